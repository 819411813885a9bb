use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use types::id::IdKind;
use types::snapshot::StageKey;
use types::time::Timestamp;

use super::*;
use crate::medium::Medium;
use crate::segment::MAGIC;

/// A folder in memory whose disk fails when it is told to, and writes half of it then.
#[derive(Clone, Default)]
struct Shelf(Arc<Shelved>);

#[derive(Default)]
struct Shelved {
    files: Mutex<BTreeMap<u64, Arc<Mutex<Vec<u8>>>>>,
    /// What fails: 1 writing, 2 syncing.
    fails: AtomicU32,
    syncs: AtomicU32,
}

struct Sheet(Arc<Mutex<Vec<u8>>>, Arc<Shelved>);

impl Shelf {
    fn fails(&self, what: u32) {
        self.0.fails.store(what, Ordering::SeqCst);
    }

    fn bytes(&self, number: u64) -> Arc<Mutex<Vec<u8>>> {
        self.0.files.lock().unwrap()[&number].clone()
    }

    fn open(&self, durability: Durability) -> (Journal, Left, Arc<Mutex<Vec<String>>>) {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = said.clone();
        let say = Box::new(move |text| heard.lock().unwrap().push(text));
        let (journal, left) = Journal::open(Arc::new(self.clone()), durability, say).unwrap();
        (journal, left, said)
    }
}

impl Folder for Shelf {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.files.lock().unwrap().keys().copied().collect())
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn Medium>> {
        let file = Arc::new(Mutex::new(Vec::new()));
        self.0.files.lock().unwrap().insert(number, file.clone());
        Ok(Arc::new(Sheet(file, self.0.clone())))
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        Ok(self.bytes(number).lock().unwrap().clone())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.0.files.lock().unwrap().remove(&number);
        Ok(())
    }

    fn place(&self) -> String {
        "shelf".to_owned()
    }
}

impl Medium for Sheet {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let fails = self.1.fails.load(Ordering::SeqCst) == 1;
        let kept = if fails { &bytes[..bytes.len() / 2] } else { bytes };
        let mut file = self.0.lock().unwrap();
        let end = at as usize + kept.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[at as usize..end].copy_from_slice(kept);
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        if self.1.fails.load(Ordering::SeqCst) == 2 { Err(io::Error::other("EIO")) } else { Ok(()) }
    }
}

fn connection(number: u64) -> Connection {
    Connection {
        id: Id::new(IdKind::Connection, 0, number),
        stage: Arc::new(StageKey { api_id: "abc".into(), stage: "dev".into() }),
        domain_name: "localhost".into(),
        source_ip: [127, 0, 0, 1].into(),
        user_agent: Some("a test's".into()),
        connected_at: Timestamp(number),
        path: None,
        identity: None,
    }
}

fn numbers(left: &Left) -> Vec<u64> {
    left.connections.iter().map(|connection| connection.id.random()).collect()
}

async fn begin(journal: &Journal, number: u64) {
    let position = journal.begin(&connection(number)).unwrap();
    journal.written(position).await;
    journal.durable(position).await;
}

/// Waits until the thread has written what came.
fn settle(journal: &Journal) {
    let position = journal.shared.pending().position;
    let begun = Instant::now();
    while *journal.shared.written.borrow() < position && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn who_has_no_end_is_left_to_the_next_life() {
    for durability in [Durability::Process, Durability::Disk] {
        let shelf = Shelf::default();
        let (journal, left, _) = shelf.open(durability);
        assert!(left.connections.is_empty() && left.remarks.is_empty());
        for number in 1..=5 {
            begin(&journal, number).await;
        }
        assert_eq!(journal.begin(&connection(5)), None, "it is known");
        assert_eq!(shelf.0.syncs.load(Ordering::SeqCst) > 0, durability == Durability::Disk);
        journal.end(&connection(2).id);
        journal.end(&connection(4).id);
        journal.end(&connection(9).id);
        settle(&journal);
        assert_eq!(journal.health().open, 3);
        // The program ends without a word.
        std::mem::forget(journal);
        let (journal, left, said) = shelf.open(durability);
        assert_eq!(numbers(&left), [1, 3, 5]);
        assert_eq!(left.connections[1], connection(3));
        for connection in &left.connections {
            journal.end(&connection.id);
        }
        settle(&journal);
        let (_, left, _) = shelf.open(durability);
        assert!(left.connections.is_empty());
        assert!(said.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_what_came_before_it_counts() {
    let shelf = Shelf::default();
    let (journal, ..) = shelf.open(Durability::Process);
    for number in 1..=3 {
        begin(&journal, number).await;
    }
    std::mem::forget(journal);
    let whole = shelf.bytes(1).lock().unwrap().clone();
    let mut expected = Vec::new();
    let mut ends = vec![MAGIC.len()];
    while let Some((_, length)) = record::read(&whole[*ends.last().unwrap()..]) {
        ends.push(ends.last().unwrap() + length);
    }
    assert_eq!(ends.len(), 4);
    // Cut at every byte, and with every byte changed: what is left is a beginning of what was written, and never a panic.
    for at in 0..whole.len() {
        let torn = Shelf::default();
        torn.create(1).unwrap().write_at(&whole[..at], 0).unwrap();
        let (_, left, _) = torn.open(Durability::Process);
        let intact = ends.iter().skip(1).filter(|end| **end <= at).count() as u64;
        assert_eq!(numbers(&left), (1..=intact).collect::<Vec<_>>(), "cut at {at}");
        assert_eq!(left.remarks.is_empty(), ends.contains(&at) || at == 0, "cut at {at}: {:?}", left.remarks);
        let mut changed = whole.clone();
        changed[at] ^= 0x41;
        let other = Shelf::default();
        other.create(1).unwrap().write_at(&changed, 0).unwrap();
        let (_, left, _) = other.open(Durability::Process);
        assert!(left.connections.len() < 3 && !left.remarks.is_empty(), "changed at {at}");
        expected.push(left.connections.len());
    }
    assert!(expected.contains(&0) && expected.contains(&2));
}

#[tokio::test]
async fn a_disk_that_fails_keeps_nobody_and_loses_nothing_once_it_works_again() {
    for (durability, what) in [(Durability::Process, 1), (Durability::Disk, 1), (Durability::Disk, 2)] {
        let shelf = Shelf::default();
        let (journal, _, said) = shelf.open(durability);
        begin(&journal, 1).await;
        shelf.fails(what);
        let begun = Instant::now();
        for number in 2..=50 {
            begin(&journal, number).await;
        }
        assert!(begun.elapsed() < WAIT_MAX, "{durability:?} {what}: {:?}", begun.elapsed());
        assert!(journal.health().is_failing && journal.health().lost == 0, "{durability:?} {what}");
        assert_eq!(said.lock().unwrap().len(), 1, "{:?}", said.lock().unwrap());
        journal.end(&connection(7).id);
        shelf.fails(0);
        let begun = Instant::now();
        while journal.health().is_failing && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        begin(&journal, 51).await;
        settle(&journal);
        assert!(said.lock().unwrap().last().unwrap().ends_with("the disk works again"), "{:?}", said.lock().unwrap());
        std::mem::forget(journal);
        let (_, left, _) = shelf.open(durability);
        let expected: Vec<u64> = (1..=51).filter(|number| *number != 7).collect();
        assert_eq!(numbers(&left), expected, "{durability:?} {what}");
    }
}

#[tokio::test]
async fn what_a_failing_disk_has_no_room_for_is_counted_and_memory_is_bounded() {
    let shelf = Shelf::default();
    let (journal, _, said) = shelf.open(Durability::Process);
    begin(&journal, 1).await;
    shelf.fails(1);
    let mut long = connection(0);
    long.user_agent = Some("x".repeat(100_000).into());
    for number in 2..=200 {
        long.id = Id::new(IdKind::Connection, 0, number);
        let position = journal.begin(&long).unwrap();
        journal.written(position).await;
    }
    let health = journal.health();
    assert!((100..199).contains(&health.lost), "{health:?}");
    assert!(journal.shared.keeper().waiting.len() <= crate::keeper::WAITING_BYTES_MAX);
    assert_eq!(said.lock().unwrap().len(), 1);
    long.user_agent = Some("x".repeat(2 * record::RECORD_BYTES_MAX).into());
    long.id = Id::new(IdKind::Connection, 0, 999);
    assert_eq!(journal.begin(&long), None);
    assert_eq!(journal.health().lost, health.lost + 1);
}

#[tokio::test]
async fn segments_are_rewritten_and_removed_so_that_the_folder_is_bounded() {
    let shelf = Shelf::default();
    let (journal, ..) = shelf.open(Durability::Process);
    // A few stay, while many come and go.
    for number in 1..=3 {
        begin(&journal, number).await;
    }
    let mut passing = connection(0);
    passing.user_agent = Some("x".repeat(60_000).into());
    let mut most = 0;
    for number in 1_000..4_000 {
        passing.id = Id::new(IdKind::Connection, 0, number);
        let position = journal.begin(&passing).unwrap();
        journal.written(position).await;
        journal.end(&passing.id);
        if number % 50 == 0 {
            settle(&journal);
            most = most.max(journal.health().bytes);
        }
    }
    // 180 MB came.
    assert!(most < (SEGMENTS_FREE + 3) * SEGMENT_BYTES, "{most}");
    begin(&journal, 4).await;
    settle(&journal);
    std::mem::forget(journal);
    let (journal, left, _) = shelf.open(Durability::Process);
    let mut found = numbers(&left);
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 4]);
    for number in 1..=4 {
        journal.end(&connection(number).id);
    }
    begin(&journal, 5).await;
    journal.end(&connection(5).id);
    settle(&journal);
    let begun = Instant::now();
    while shelf.numbers().unwrap().len() > 1 && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(shelf.numbers().unwrap().len(), 1, "nothing of the old ones is of use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_written_before_they_go_on() {
    let shelf = Shelf::default();
    let (journal, ..) = shelf.open(Durability::Disk);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let journal = journal.clone();
            let shelf = shelf.clone();
            tokio::spawn(async move {
                for number in 0..200 {
                    let number = task * 1_000 + number;
                    begin(&journal, number).await;
                    // It stands in a file by now.
                    let id = connection(number).id.to_bytes();
                    let file = shelf.bytes(1);
                    let file = file.lock().unwrap();
                    assert!(file.windows(id.len()).any(|window| window == id), "{number}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(journal.health().late, 0);
    let (_, left, _) = shelf.open(Durability::Disk);
    assert_eq!(left.connections.len(), 1_600);
    // A group is synced together.
    assert!(shelf.0.syncs.load(Ordering::SeqCst) <= 1_601);
}
