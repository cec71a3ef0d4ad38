/*
Grain: site x derivation x with_bands: how well the ANC derived from the parts of a draw agrees with the one measured in the
same draw (specimen and day, or exact time; the lowest measured one, without operators).
Counted separately from n_draws: by reason, draws without a measured ANC whose parts give none (int_derivation), and
patients' days whose parts are from different draws (int_unpaired_part).
Why: where both are known, a wrong factor, a wrong code, or bands counted twice show up here, before they hide a neutropenia
where only the parts are known. The registry uses only derivations with is_site_rule, and only if nothing was measured.
Agreement: within 5 % of the measured value; a measured 0 agrees with values that round to 0 at one decimal (below 0.05).
*/
{%- set reasons = ['ambiguous_parts', 'unpaired_parts', 'not_percentages', 'zero_differential'] %}
with draws as (
    select
        site, derivation, with_bands, is_site_rule, patient_no, specimen_hash, exact_time, collected_date, has_bands,
        has_measured_anc, measured_anc, anc, is_possible, no_anc_because
    from {{ ref('int_derivation') }}
    union all
    select
        site, derivation, with_bands, is_site_rule, patient_no, null as specimen_hash, null as exact_time, collected_date,
        false as has_bands, false as has_measured_anc, null as measured_anc, null as anc, false as is_possible,
        'unpaired_parts' as no_anc_because
    from {{ ref('int_unpaired_part') }}
),

compared as (
    select
        *,
        no_anc_because is null and is_possible and measured_anc is not null as is_pair,
        anc - measured_anc as difference,
        case when measured_anc > 0 then 1.0 * anc / measured_anc end as ratio,
        abs(anc - measured_anc) as distance,
        case when measured_anc = 0 then anc < 0.05 else abs(anc - measured_anc) <= measured_anc * 0.05 end as is_close
    from draws
),

-- draws with reported bands, both readings side by side: which is nearer to the measured value?
with_reported_bands as (
    select
        site, derivation, with_bands, distance,
        max(distance) over (
            partition by derivation, patient_no, specimen_hash, exact_time, collected_date
        ) as greater_distance
    from compared
    where has_bands and measured_anc is not null and no_anc_because is null
),

readings as (
    select
        site,
        derivation,
        with_bands,
        count(*) as n_draws_with_bands,
        sum(case when distance < greater_distance then 1 else 0 end) as n_closer
    from with_reported_bands
    group by site, derivation, with_bands
),

totals as (
    select
        site,
        derivation,
        with_bands,
        is_site_rule,
        count(case when no_anc_because is null then 1 end) as n_draws,
        count(case when no_anc_because is null and not is_possible then 1 end) as n_impossible,
        sum(case when is_pair then 1 else 0 end) as n_pairs,
        sum(case when is_pair and is_close then 1 else 0 end) as n_close,
        percentile_cont(0.5) within group (order by case when is_pair then difference end) as median_difference,
        percentile_cont(0.5) within group (order by case when is_pair then ratio end) as median_ratio
        {%- for reason in reasons %},
        count(case when no_anc_because = '{{ reason }}' and not has_measured_anc then 1 end) as {{ reason }}
        {%- endfor %}
    from compared
    group by site, derivation, with_bands, is_site_rule
)

select
    totals.site,
    totals.derivation,
    totals.with_bands,
    totals.is_site_rule,
    cast(totals.n_draws as bigint) as n_draws,
    cast(totals.n_impossible as bigint) as n_impossible,
    cast(totals.n_pairs as bigint) as n_pairs,
    cast(totals.median_difference as decimal(18, 6)) as median_difference_10e9_l,
    cast(totals.median_ratio as decimal(18, 6)) as median_ratio,
    cast(100.0 * totals.n_close / nullif(totals.n_pairs, 0) as double) as share_within_5_pct,
    cast(coalesce(readings.n_draws_with_bands, 0) as bigint) as n_draws_with_bands,
    cast(coalesce(readings.n_closer, 0) as bigint) as n_closer
    {%- for reason in reasons %},
    cast(totals.{{ reason }} as bigint) as {{ reason }}
    {%- endfor %}
from totals
left join readings
    on
        totals.site = readings.site
        and totals.derivation = readings.derivation
        and totals.with_bands = readings.with_bands
