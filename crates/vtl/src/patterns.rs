//! The regular expressions that methods take: compiled once for a template where they are constants, else kept for a while.

use std::sync::OnceLock;

use java::Pattern;

use crate::halt::Halt;
use crate::limits::Meter;
use crate::shared::Text;

/// How many that are no constants one rendering keeps: the latest, for a loop uses few.
const KEPT_MAX: usize = 8;

/// How many steps compiling one is worth, which takes some 20 microseconds.
const COMPILE_STEPS: usize = 1_000;

/// A pattern, or why it is none.
pub(crate) type Compiled = Result<Pattern, String>;

/// That a method's first argument is a regular expression.
#[derive(Debug)]
pub(crate) struct Regular {
    /// Whether it is to match the whole text.
    whole: bool,
    /// The argument compiled, where it is a constant.
    constant: OnceLock<Compiled>,
}

impl Regular {
    /// What the method `name` of texts takes; `None`: no regular expression.
    pub(crate) fn of_method(name: &str) -> Option<Regular> {
        let whole = match name {
            "replaceAll" | "replaceFirst" | "split" => false,
            "matches" => true,
            _ => return None,
        };
        Some(Regular { whole, constant: OnceLock::new() })
    }

    /// The constant `java` compiled, which is the same in each rendering.
    pub(crate) fn constant(&self, java: &str) -> &Compiled {
        self.constant.get_or_init(|| self.compile(java))
    }

    fn compile(&self, java: &str) -> Compiled {
        if self.whole { Pattern::whole(java) } else { Pattern::find(java) }
    }
}

/// Those that one rendering has compiled, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    java: Text,
    whole: bool,
    compiled: Compiled,
}

impl Patterns {
    /// `java` compiled as the method wants it.
    pub(crate) fn compiled(&mut self, java: &Text, by: &Regular, meter: &mut Meter) -> Result<&Compiled, Halt> {
        meter.steps(java.len() / 64)?;
        let at = match self.0.iter().position(|kept| kept.whole == by.whole && kept.java == *java) {
            Some(at) => at,
            None => {
                let compiled = by.compile(java);
                if !compiled.as_ref().is_ok_and(Pattern::is_literal) {
                    meter.steps(COMPILE_STEPS)?;
                }
                if self.0.len() == KEPT_MAX {
                    self.0.remove(0);
                }
                self.0.push(Kept { java: java.clone(), whole: by.whole, compiled });
                self.0.len() - 1
            }
        };
        Ok(&self.0[at].compiled)
    }
}
