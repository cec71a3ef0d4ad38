/*
Grain: a delivered patients row that is not current, with its disposition and reasons (macro set_aside has the rules).
*/
{{ set_aside(ref('stg_patient'), 'patients', has_patient=false) }}
