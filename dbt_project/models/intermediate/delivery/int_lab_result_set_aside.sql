/*
Grain: a delivered lab_results row that is not current, with its disposition and reasons (macro set_aside has the rules).
*/
{{ set_aside(ref('stg_lab_result'), 'lab_results', is_numbered=true) }}
