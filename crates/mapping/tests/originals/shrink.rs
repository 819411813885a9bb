//! Makes a case smaller as long as it keeps what is wrong with it.

use serde_json::Value;

/// `case` with its text `pointer` (a JSON pointer) shortened while `wrong` holds.
pub(crate) fn shrunk(mut case: Value, pointer: &str, mut wrong: impl FnMut(&Value) -> bool) -> Value {
    let Some(text) = case.pointer(pointer).and_then(Value::as_str) else { return case };
    let mut letters: Vec<char> = text.chars().collect();
    let mut length = letters.len().next_power_of_two();
    while length > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < letters.len() {
            let mut tried = letters.clone();
            tried.drain(start..letters.len().min(start + length));
            let mut smaller = case.clone();
            if let Some(place) = smaller.pointer_mut(pointer) {
                *place = tried.iter().collect::<String>().into();
            }
            if wrong(&smaller) {
                letters = tried;
                case = smaller;
                shorter = true;
            } else {
                start += length;
            }
        }
        if !(shorter && length == 1) {
            length /= 2;
        }
    }
    case
}
