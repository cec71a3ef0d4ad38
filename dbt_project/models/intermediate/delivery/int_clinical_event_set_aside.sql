/*
Grain: a delivered clinical_events row that is not current, with its disposition and reasons (macro set_aside has the rules).
*/
{{ set_aside(ref('stg_clinical_event'), 'clinical_events', is_numbered=true) }}
