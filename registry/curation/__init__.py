"""Work of a data manager on rows, charts and patients.

    quarantine.py       quarantined rows, by file and record       data_queries.py  the same, as files to send to a site
    quarantine_groups.py  the same, by reason and spelling         shown_text.py    which codes as sent may be shown
    review_worklist.py  episodes without a chart review            review_form.py   the form of a review
    retraction.py       deliveries in a wrong place                withdrawal.py    a patient who withdraws consent
    account.py          what a refresh could not use, by site      account_codes.py its unmapped codes

Not here: the commands (cli), which row is quarantined (the dbt project), erasure in the vault (vault).
"""
