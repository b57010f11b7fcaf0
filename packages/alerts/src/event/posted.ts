/** The `file` of events and states of alerts that somebody posted to the API: no rule file is called so. */
export const POSTED = '';
