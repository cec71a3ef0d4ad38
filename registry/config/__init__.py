"""Configuration that people write, and the words they may use: settings, registry.yml, site.yml, the input contract.

    settings.py        folders, limits and switches: the one place that reads REGISTRY_* variables
    study.py           registry.yml            site.py      site.yml; its parts: site_codes, csv_layout, wide_layout
    input_contract.py  entities and columns    terminology  names that configuration may use, from dbt's seeds
    yaml_file.py       YAML into a typed model, each mistake with file, line and key

Not here: how a file is read with its site.yml (ingest), what a clinical parameter does (the dbt project).
"""
