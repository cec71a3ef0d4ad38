{#
  The rows of one entity in the files that count: trimmed cells, properties of the file (site, delivery, marks), the keyed
  hash, and the patient's number. It reads the vault, so a model that uses it must not select any identifier.

  base_key and day_content are filled only if the registry composed the key. base_key is the key without the number that a
  second or later measurement of the day has; day_content is a hash of all cells except key and status.

  entity: table in the vault; key: its key column; columns: the contract's columns in order;
  where: an extra condition on r (the raw row).
#}
{% macro delivered_rows(entity, key, columns, where='true') -%}
    {%- set cells = [] -%}
    {%- set measured = [] -%}
    {%- for column in columns %}
    {%- do cells.append('trimmed.' ~ column) %}
    {%- if column not in [key, 'status'] %}{% do measured.append('trimmed.' ~ column) %}{% endif %}
    {%- endfor %}
    select
        trimmed.*,
        {{ record_key('trimmed.salt', entity, 'trimmed.' ~ key) }} as record_key,
        case
            when trimmed.keys_composed
                then {{ record_key('trimmed.salt', entity, base_key('trimmed.' ~ key)) }}
        end as base_key,
        {{ cells_hash('trimmed.salt', cells) }} as content_hash,
        case when trimmed.keys_composed then {{ cells_hash('trimmed.salt', measured) }} end as day_content,
        status_words.code as status_code,
        coalesce(status_words.code = 'cancelled', false) as is_cancelled
        {%- if 'patient_id' in columns %},
        known.patient_no,
        known.patient_key
        {%- endif %}
    from (
        select
            sent.file_no,
            sent.record_number,
            sent.is_malformed,
            sent.site,
            sent.delivery_end,
            sent.decimal_mark,
            sent.thousands_mark,
            sent.time_zone,
            sent.flags_before,
            sent.flags_behind,
            sent.keys_composed,
            sent.salt,
            {%- for column in columns %}
            {%- set told = told_cell('sent.' ~ column, 'sent.missing_words') %}
            {%- if column in [key, 'patient_id', 'test_code'] %}
            -- a spreadsheet error (#N/A) is not an identifier: rows with the same error would share a key, a patient or a test
            case when not {{ is_sheet_error('sent.' ~ column) }} then {{ told }} end
            {%- else %}
            {{ plain_cell(told) if column in read_columns() else told }}
            {%- endif %} as {{ column }}{{ "," if not loop.last }}
            {%- endfor %}
        from (
            select
                r.file_no,
                r.record_number,
                r.malformed is not null as is_malformed,
                f.site,
                f.delivery_end,
                f.decimal_mark,
                f.thousands_mark,
                f.time_zone,
                f.flags_before,
                f.flags_behind,
                f.keys_composed,
                f.missing_words,
                s.salt,
                {%- for column in columns %}
                {{ trimmed_cell('r.' ~ column) }} as {{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            from {{ source('raw', entity) }} as r
            inner join {{ ref('stg_input_file') }} as f on r.file_no = f.file_no
            inner join {{ source('vault', 'site_salt') }} as s on f.site = s.site
            where {{ where }}
        ) as sent
    ) as trimmed
    left join {{ ref('stg_code_word') }} as status_words
        on trimmed.site = status_words.site and status_words.kind = 'status' and trimmed.status = status_words.word
    {%- if 'patient_id' in columns %}
    left join {{ source('vault', 'patient_map') }} as known
        on trimmed.site = known.site and trimmed.patient_id = known.patient_id
    {%- endif %}
{%- endmacro %}

{# Columns read as a date or a number. In these, invisible characters are ignored and full-width digits are plain ones. #}
{% macro read_columns() -%}
    {{ return([
        'birth_date', 'ms_onset_date', 'last_contact_date', 'death_date', 'start_date', 'end_date', 'administered_on',
        'administered_until', 'dose', 'value', 'reference_low', 'reference_high', 'collected_at', 'onset_date', 'onset_from',
        'onset_to', 'reviewed_on']) }}
{%- endmacro %}

{#
  The record in the file that a raw row comes from. A wide file numbers its cells: with n test columns, record r has the
  rows (r - 1) * n + 1 to r * n. The ledger keeps n (1 for long files).
#}
{% macro record_in_file(record_number, cells_per_record) -%}
    cast(floor(({{ record_number }} - 1) / {{ cells_per_record }}) as bigint) + 1
{%- endmacro %}

{# The columns of an entity, besides its key, that quarantine a row if they are blank. #}
{% macro required_columns(entity) -%}
    {{ return({
        'treatments': ['patient_id', 'drug', 'start_date'],
        'administrations': ['patient_id', 'drug', 'administered_on'],
        'lab_results': ['patient_id', 'test_code', 'collected_at', 'value'],
        'clinical_events': ['patient_id', 'event_type', 'onset_date'],
        'adjudications': ['patient_id', 'onset_from', 'onset_to', 'verdict'],
    }.get(entity, [])) }}
{%- endmacro %}

{# A row's reason codes as comma-separated text; NULL if it has none. reasons: [[code, condition], …] #}
{% macro reason_list(reasons) -%}
    nullif(concat_ws(
        ',',
        {%- for code, condition in reasons %}
        case when {{ condition }} then '{{ code }}' end{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}

{# The quarantine reasons that all entities share. A cancelled row needs only its key. #}
{% macro held_back_reasons(key, required, specific) -%}
    case
        when is_malformed then 'malformed_row'
        when {{ key }} is null then
            {%- if specific or required %}
            case
                when is_cancelled then 'missing_key'
                else concat_ws(',', 'missing_key', {{ row_reasons(required, specific) }})
            end
            {%- else %}
            'missing_key'
            {%- endif %}
        {%- if specific or required %}
        when not is_cancelled then {{ row_reasons(required, specific) }}
        {%- endif %}
    end
{%- endmacro %}

{% macro row_reasons(required, specific) -%}
    {%- set blank = [] -%}
    {%- for column in required %}{% do blank.append(column ~ ' is null') %}{% endfor -%}
    {%- set reasons = specific -%}
    {%- if required %}{% set reasons = [['missing_required', blank | join(' or ')]] + specific %}{% endif -%}
    {{ reason_list(reasons) }}
{%- endmacro %}

{# A status that is not valid for the entity: not in the contract, or not_given where nothing can be given. #}
{% macro invalid_status(can_be_not_given=false) -%}
    status is not null and (status_code is null{{ " or status_code = 'not_given'" if not can_be_not_given }})
{%- endmacro %}
