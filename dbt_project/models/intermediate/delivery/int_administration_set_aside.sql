/*
Grain: a delivered administrations row that is not current, with its disposition and reasons (macro set_aside has the rules).
*/
{{ set_aside(ref('stg_administration'), 'administrations', is_numbered=true) }}
