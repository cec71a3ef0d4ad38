{#
  Two CTEs on delivered results. `coded` adds the meaning of code, unit and material, and the value without the laboratory's
  flags. `recognised` adds the analyte's dimension, the numbers as plain text, and the time.
#}
{% macro recognised_results(relation) -%}
coded as (
    select
        d.*,
        c.test_code is not null as is_known_code,
        coalesce(c.analyte, case u.dimension
            when 'count' then c.count_analyte
            when 'percent' then c.percent_analyte
            when 'mass_concentration' then c.mass_concentration_analyte
        end) as analyte,
        u.ucum,
        u.dimension as unit_dimension,
        u.factor,
        m.code as material_code,
        coalesce(d.unit, c.constant_unit) as used_unit,
        {{ without_flags('d.value', 'd.flags_before', 'd.flags_behind') }} as plain_value
    from {{ relation }} as d
    left join {{ ref('stg_test_code') }} as c on d.site = c.site and d.test_code = c.test_code
    left join {{ ref('stg_unit_spelling') }} as u on d.site = u.site and coalesce(d.unit, c.constant_unit) = u.spelling
    left join {{ ref('stg_code_word') }} as m on d.site = m.site and m.kind = 'material' and d.material = m.word
),

recognised as (
    select
        coded.*,
        a.dimension as analyte_dimension,
        -- an unknown code, or a specimen in which the analyte is not measured: value and unit are not judged
        coded.test_code is not null and (
            not coded.is_known_code
            or case
                when coded.material_code is null then false
                when coded.material_code = 'blood' then false
                else strpos(' ' || coalesce(a.materials, 'blood') || ' ', ' ' || coded.material_code || ' ') = 0
            end
        ) as is_foreign,
        {%- for cell, name in [('plain_value', 'number'), ('reference_low', 'low'), ('reference_high', 'high')] %}
        {{ plain_number(
            without_percent_sign('coded.' ~ cell, 'coded.unit_dimension'), 'coded.decimal_mark', 'coded.thousands_mark'
        ) }} as {{ name }}_text,
        {%- endfor %}
        {{ read_time('coded.collected_at', 'coded.site', 'coded.time_zone') }} as collected_time
    from coded
    left join {{ ref('analytes') }} as a on coded.analyte = a.analyte
)
{%- endmacro %}

{# The reasons to quarantine a result. If it is foreign (stg_lab_result), value and unit are not judged. No unit is guessed. #}
{% macro lab_result_reasons() -%}
    {{ return([
        ['missing_required',
            'patient_id is null or test_code is null or collected_at is null or (value is null and not is_foreign)'],
        ['invalid_code', invalid_status()],
        ['unparseable_date', 'collected_at is not null and collected_date is null'],
        ['date_after_delivery', 'collected_date > delivery_end'],
        ['non_numeric_value', 'not is_foreign and value is not null and not coalesce(is_numeric, false)'],
        ['negative_value', 'not is_foreign and number < 0'],
        ['zero_without_unit', 'not is_foreign and used_unit is null and number = 0'],
        ['unit_missing', 'not is_foreign and used_unit is null and number is distinct from 0'],
        ['unit_unknown', 'not is_foreign and used_unit is not null and unit_dimension is null'],
        ['unknown_material', 'is_known_code and material is not null and material_code is null'],
        ['code_unit_mismatch', "not is_foreign and ((analyte_dimension = 'count' and unit_dimension = 'percent')"
            ~ " or (analyte_dimension = 'percent' and unit_dimension = 'count')"
            ~ " or (is_known_code and analyte is null and unit_dimension in ('count', 'percent')))"],
        ['unit_incompatible', "not is_foreign and ((not is_fitting_unit and not (analyte_dimension in ('count', 'percent')"
            ~ " and unit_dimension in ('count', 'percent')))"
            ~ " or (is_known_code and analyte is null and unit_dimension not in ('count', 'percent')))"],
        ['implausible_value', 'not is_foreign and ((is_numeric and number is null) or '
            ~ is_implausible('number', 'canonical_value') ~ ')'],
    ]) }}
{%- endmacro %}

{# The reasons to empty an optional cell of a result. #}
{% macro lab_result_cell_defects() -%}
    {{ return([
        ['specimen_id:invalid_code', is_sheet_error('specimen_id')],
        ['reference_low:non_numeric_value',
            'reference_low is not null and (reference_low_number is null or low_text is distinct from ltrim(low_text, ' ~ "'<>=≤≥ '" ~ '))'],
        ['reference_low:negative_value', 'reference_low_number < 0'],
        ['reference_low:implausible_value', 'is_implausible_low'],
        ['reference_high:non_numeric_value', 'reference_high is not null and reference_high_number is null'],
        ['reference_high:negative_value', 'reference_high_number < 0'],
        ['reference_high:implausible_value', 'is_implausible_high'],
    ]) }}
{%- endmacro %}
