// What the table of events must not forget while another view stands there.

/** The text of its search box, and whether it stands still. */
export const kept = { text: "", isPaused: false };
