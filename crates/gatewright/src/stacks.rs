//! Stacks: what templates make. `serve --template`, `gatewright apply` and CloudFormation's API all come here.
//!
//! Crate `stacks` reads, evaluates and says what changes; this carries it out on the control plane, has the template's
//! functions run here, and says what came of it.

pub(crate) mod call;
mod cloudformation;
pub(crate) mod command;
pub(crate) mod neighbours;
mod placed;
pub(crate) mod source;
mod told;
mod typescript;
pub(crate) mod watch;
pub(crate) mod workshop;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use control::{Batch, Caller, Control, Refused};
use functions::{Brought, Directory};
use indexmap::IndexMap;
use stacks::locate::Assets;
use stacks::transforms::{self, Known};
use stacks::{Applied, Change, Failure, Fault, Node, Place, Record, StackFunction, Template, Wanted};
use types::arn::Home;

use crate::banner::Addresses;
use crate::choices::LogLevel;
use crate::logs::Log;
use crate::own_tls::OwnTls;
use crate::seen;

use self::cloudformation::Office;
use self::neighbours::buckets::Buckets;
use self::placed::Placed;
pub(crate) use self::placed::Places;
use self::source::Files;
pub(crate) use self::told::{Told, faults};

/// How often a plan is made anew because somebody else changed definitions meanwhile.
const TRIES_MAX: usize = 20;

/// What somebody wants a stack to be.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The stack's name.
    pub(crate) name: String,
    /// The template as it was written.
    pub(crate) text: String,
    /// Where it stands; code that it names is found from there. Empty where nobody knows.
    pub(crate) file: PathBuf,
    /// The document, where the text is not CloudFormation's.
    pub(crate) document: Option<Node>,
    /// What was known before: of how that document was made.
    pub(crate) remarks: Vec<Fault>,
    pub(crate) parameters: IndexMap<String, String>,
    /// Where code is that a tool was going to upload.
    pub(crate) assets: Assets,
    /// As AWS does it, also where people do not expect it.
    pub(crate) is_strict: bool,
    /// Whether somebody said the name: it is not only the file's, which another project's may be too.
    pub(crate) is_named: bool,
}

/// A template that can be applied.
struct Readied<'a> {
    asked: &'a Asked,
    template: Template,
    /// What is kept of it: what can be read without the files that it was made of.
    text: String,
    file: String,
    now: String,
    /// What is known of it before it is applied.
    remarks: Vec<Fault>,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) applied: Applied,
    /// Functions that cannot run here: why, by their names.
    pub(crate) unplaced: Vec<(String, String)>,
    /// The files of which their code was built, as they were before.
    pub(crate) built_of: Files,
}

impl Readied<'_> {
    /// With what was known before.
    fn remarked(&self, mut done: Done) -> Done {
        done.applied.remarks.splice(0..0, self.remarks.iter().cloned());
        done
    }
}

/// What is wrong with which of several stacks.
struct Planned(usize, Vec<Fault>);

/// What the store said, and no template.
impl From<Refused> for Planned {
    fn from(refused: Refused) -> Planned {
        Planned(0, Failure::from(refused).0)
    }
}

/// The stacks of a gateway.
pub(crate) struct Stacks {
    control: Arc<Control>,
    functions: Arc<Directory>,
    places: Places,
    pub(crate) home: Home,
    pub(crate) addresses: Addresses,
    /// The VPC links that the settings describe, by id, name or target.
    links: BTreeSet<String>,
    /// None where nobody is to hear.
    log: Option<Log>,
    /// What deployers uploaded.
    buckets: Arc<Buckets>,
    /// What CloudFormation's API keeps besides.
    office: Office,
    /// One change at a time: what a template's functions are and what the definitions say go together.
    turn: Mutex<()>,
}

impl Stacks {
    pub(crate) fn new(
        control: Arc<Control>,
        functions: Arc<Directory>,
        own_tls: Option<Arc<OwnTls>>,
        (home, addresses): (Home, Addresses),
        data_dir: Option<&Path>,
        log: Option<Log>,
    ) -> Stacks {
        let buckets = Arc::new(Buckets::new(data_dir));
        let places = Places::new(home.clone(), own_tls, data_dir, buckets.clone());
        let (office, turn, links) = (Office::default(), Mutex::default(), BTreeSet::new());
        Stacks { control, functions, places, home, addresses, links, log, buckets, office, turn }
    }

    /// The same, where the settings describe these VPC links.
    #[must_use]
    pub(crate) fn with_links(self, links: impl Iterator<Item = String>) -> Stacks {
        Stacks { links: links.collect(), ..self }
    }

    /// Those of a control plane that nobody else uses: to try a template.
    pub(crate) fn alone(control: Arc<Control>, functions: Arc<Directory>, home: Home, addresses: Addresses) -> Stacks {
        Stacks::new(control, functions, None, (home, addresses), None, None)
    }

    /// Brings a stack to what is asked. Blocks for the disk.
    ///
    /// # Errors
    /// Everything that is wrong with the template, or the first thing that is refused. Nothing has changed then.
    pub(crate) fn apply(&self, caller: &Caller, asked: &Asked) -> Result<Done, Vec<Fault>> {
        self.apply_with(caller, asked, &|_| {})
    }

    /// As [`Stacks::apply`], and has `finish` add to what is kept.
    fn apply_with(&self, caller: &Caller, asked: &Asked, finish: &dyn Fn(&mut Record)) -> Result<Done, Vec<Fault>> {
        let readied = self.readied(asked)?;
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.carry_out(caller, &readied, finish);
        drop(turn);
        done.map(|done| readied.remarked(done)).map_err(|Failure(faults)| faults)
    }

    /// What stacks would become, one after the other.
    ///
    /// # Errors
    /// As of [`Stacks::apply`], and of which of them.
    pub(crate) fn plan(&self, caller: &Caller, asked: &[Asked]) -> Result<Vec<Done>, (usize, Vec<Fault>)> {
        let readied = asked.iter().enumerate().map(|(n, asked)| self.readied(asked).map_err(|faults| (n, faults)));
        let readied: Vec<Readied> = readied.collect::<Result<_, _>>()?;
        let plan = self.control.plan(caller, |batch| {
            let one = |(n, readied): (usize, &Readied)| {
                self.made(caller, batch, readied, &|_| {}).map_err(|Failure(faults)| Planned(n, faults))
            };
            readied.iter().enumerate().map(one).collect::<Result<Vec<Applied>, Planned>>()
        });
        let plan = plan.map_err(|Planned(n, faults)| (n, faults))?;
        let done = plan.outcome.into_iter().zip(&readied).map(|(applied, readied)| {
            let asked = readied.asked;
            let placed = self.placed(&asked.name, &applied.functions, &asked.file, &applied.record.refused, true);
            readied.remarked(Done { applied, unplaced: placed.unplaced, built_of: placed.built_of })
        });
        Ok(done.collect())
    }

    /// What one stack would become.
    fn plan_one(&self, caller: &Caller, asked: &Asked) -> Result<Done, Vec<Fault>> {
        let mut done = self.plan(caller, std::slice::from_ref(asked)).map_err(|(_, faults)| faults)?;
        done.pop().ok_or_else(Vec::new)
    }

    fn readied<'a>(&self, asked: &'a Asked) -> Result<Readied<'a>, Vec<Fault>> {
        let document = match &asked.document {
            Some(document) => document.clone(),
            None => stacks::read::read(&asked.text).map_err(|fault| vec![fault])?,
        };
        let known = Known {
            parameters: asked.parameters.clone(),
            region: self.home.region.clone(),
            partition: "aws".to_owned(),
        };
        let expanded = transforms::expand(&document, &known)?;
        let template = Template::of(&expanded.document)?;
        let told = expanded.remarks.into_iter().map(|remark| Fault::new(remark.message, remark.path, remark.place));
        let remarks = asked.remarks.iter().cloned().chain(told).collect();
        let text = match &asked.document {
            Some(document) => document.to_json().to_string(),
            None => asked.text.clone(),
        };
        let file = asked.file.to_string_lossy().into_owned();
        Ok(Readied { asked, template, text, file, now: seen::now().iso_millis(), remarks })
    }

    /// Makes a stack, in a batch that may not be carried out.
    fn made(
        &self,
        caller: &Caller,
        batch: &mut Batch,
        readied: &Readied,
        finish: &dyn Fn(&mut Record),
    ) -> Result<Applied, Failure> {
        let Readied { asked, template, text, file, now, .. } = readied;
        let there = batch.stack(&asked.name).map(|stack| Record::read(&stack));
        if let Some(there) = there.filter(|there| !asked.is_named && !there.file.is_empty() && there.file != *file) {
            let text = format!(
                "the stack {} was made of {}; say --stack-name NAME for another stack, or --stack-name {0} to have this \
                 template take its place",
                asked.name, there.file
            );
            return Err(Fault::new(text, "", Place::default()).into());
        }
        let wanted = Wanted {
            name: &asked.name,
            template,
            text,
            file,
            parameters: &asked.parameters,
            account: &self.home.account_id,
            region: &self.home.region,
            assets: &asked.assets,
            is_strict: asked.is_strict,
            now,
        };
        let mut applied = stacks::apply(batch, &wanted)?;
        if let (Err(why), false) = (&caller.code, applied.functions.is_empty()) {
            applied.record.refused = why.clone();
        }
        finish(&mut applied.record);
        batch.keep_stack(&asked.name, Some(applied.record.write()));
        Ok(applied)
    }

    // Functions come first: what is deployed is remarked on where its functions are nowhere.
    fn carry_out(&self, caller: &Caller, readied: &Readied, finish: &dyn Fn(&mut Record)) -> Result<Done, Failure> {
        let asked = readied.asked;
        for _ in 0..TRIES_MAX {
            let plan = self.control.plan(caller, |batch| self.made(caller, batch, readied, finish))?;
            let applied = plan.outcome.clone();
            let Placed { brought, mut unplaced, broken, built_of } =
                self.placed(&asked.name, &applied.functions, &asked.file, &applied.record.refused, false);
            // What ran before goes on running.
            let here = self.functions.here();
            let runs = |fault: &Fault| {
                let logical = fault.path.strip_prefix("Resources.").unwrap_or_default();
                let name = applied.functions.iter().find(|function| function.logical == logical).map(|one| &one.name);
                name.is_some_and(|name| here.iter().any(|settings| settings.name == *name))
            };
            if broken.iter().any(runs) {
                return Err(Failure(broken));
            }
            unplaced.extend(self.bring(&asked.name, brought));
            match self.control.carry_out(plan) {
                Ok(applied) => return Ok(Done { applied, unplaced, built_of }),
                Err(refused) => {
                    self.resume(&asked.name);
                    if refused.status() != http::StatusCode::CONFLICT {
                        return Err(refused.into());
                    }
                }
            }
        }
        let text = "too many others change definitions at the same time; nothing was changed";
        Err(Fault::new(text, "", Default::default()).into())
    }

    // Where whoever brings them may have code run, that is.
    fn placed(&self, stack: &str, functions: &[StackFunction], file: &Path, refused: &str, is_plan: bool) -> Placed {
        if refused.is_empty() {
            return self.places.of(stack, functions, file, is_plan);
        }
        let unplaced = functions.iter().map(|function| (function.name.clone(), refused.to_owned()));
        Placed { unplaced: unplaced.collect(), ..Placed::default() }
    }

    /// The program ends: what is kept nowhere goes.
    pub(crate) fn end(&self) {
        self.places.end();
        self.buckets.end();
    }

    fn bring(&self, stack: &str, brought: Vec<Brought>) -> Vec<(String, String)> {
        self.functions.bring(stack, brought)
    }

    /// Removes a stack and what it made.
    ///
    /// # Errors
    /// There is none of the name, or a part of it is in use.
    pub(crate) fn delete(&self, caller: &Caller, name: &str) -> Result<Vec<Change>, Vec<Fault>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let deleted = self.control.batch(caller, |batch| stacks::delete(batch, name));
        if deleted.is_ok() {
            self.functions.bring(name, Vec::new());
            self.places.forget(name);
        }
        drop(turn);
        deleted.map_err(|Failure(faults)| faults)
    }

    /// Every stack there is, oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        let read = |batch: &mut control::Batch| {
            let stacks = batch.stacks().into_iter().map(|(_, stack)| Record::read(&stack));
            Ok::<_, control::Refused>(stacks.collect())
        };
        let plan = self.control.plan(&Caller::program(), read);
        plan.map(|plan| plan.outcome).unwrap_or_default()
    }

    /// A stack by its name.
    fn record(&self, name: &str) -> Option<Record> {
        let read =
            |batch: &mut control::Batch| Ok::<_, control::Refused>(batch.stack(name).map(|stack| Record::read(&stack)));
        self.control.plan(&Caller::program(), read).ok().and_then(|plan| plan.outcome)
    }

    /// Has the functions of the stacks that are kept run here again: at start.
    pub(crate) fn resume_all(&self) {
        for record in self.records() {
            self.resume_one(&record);
        }
    }

    fn resume(&self, name: &str) {
        match self.records().iter().find(|record| record.name == name) {
            Some(record) => self.resume_one(record),
            None => drop(self.functions.bring(name, Vec::new())),
        }
    }

    fn resume_one(&self, record: &Record) {
        let functions = stacks::functions::kept(record);
        let Placed { brought, mut unplaced, .. } =
            self.placed(&record.name, &functions, Path::new(&record.file), &record.refused, false);
        unplaced.extend(self.bring(&record.name, brought));
        for (name, why) in unplaced {
            let text = format!("stack {}: the function {name} cannot run here: {why}", record.name);
            self.log.iter().for_each(|log| log.say(LogLevel::Warn, text.clone()));
        }
    }
}
