/*
Grain: a delivered adjudications row that is not current, with its disposition and reasons (macro set_aside has the rules).
*/
{{ set_aside(ref('stg_adjudication'), 'adjudications') }}
