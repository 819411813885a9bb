//! Looks at what is defined and says what will bite before the first message is sent.
//!
//! Pure: definitions in, findings out. Whether a backend can be reached is asked by the program.
