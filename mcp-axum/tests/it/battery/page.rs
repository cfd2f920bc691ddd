//! `docs/SECURITY-BATTERY.md`, which shows what these tests have seen. They write it anew where `UPDATE_BATTERY` is set.

use super::routes::door;
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::PathBuf,
};

const PAGE: &str = "docs/SECURITY-BATTERY.md";

/// How often something was answered.
type Seen = BTreeMap<&'static str, usize>;

/// What whoever shows something was answered at each door.
#[derive(Default)]
pub struct Tally {
    rows: Vec<(String, BTreeMap<String, Seen>)>,
    routes: BTreeSet<String>,
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Tally {
    pub fn note(&mut self, who: &str, route: &str, status: u16) {
        let answer = match status {
            // There is no such method.
            405 => return,
            401 => "401",
            403 => "403",
            _ => "let in",
        };
        self.routes.insert(route.to_owned());
        let place = self.rows.iter().position(|(known, _)| known == who);
        let place = place.unwrap_or_else(|| {
            self.rows.push((who.to_owned(), BTreeMap::new()));
            self.rows.len() - 1
        });
        let doors = &mut self.rows[place].1;
        let seen = doors.entry(door(route)).or_default();
        *seen.entry(answer).or_default() += 1;
    }

    /// A row for each credential, a column for each door.
    pub fn table(&self) -> String {
        let doors: BTreeSet<String> = self.routes.iter().map(|route| door(route)).collect();
        let mut text = "| credential |".to_owned();
        for name in &doors {
            text += &format!(" {name} |");
        }
        text += &format!("\n|---|{}", "---|".repeat(doors.len()));
        for (who, seen) in &self.rows {
            text += &format!("\n| {who} |");
            for name in &doors {
                text += &format!(" {} |", seen.get(name).map_or("–".to_owned(), shown));
            }
        }
        text + "\n"
    }
}

fn shown(seen: &Seen) -> String {
    if let [(answer, _)] = seen.iter().collect::<Vec<_>>()[..] {
        return (*answer).to_owned();
    }
    let parts = seen.iter().map(|(answer, count)| format!("{answer}: {count}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// Fails where the part of the page with this name is another text.
pub fn has(part: &str, expected: &str) {
    let file = repository().join(PAGE);
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->"));
    let split = |text: &str| {
        let (before, rest) = text
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{PAGE}: {begin}"));
        let (between, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{PAGE}: {end}"));
        (before.to_owned(), between.to_owned(), after.to_owned())
    };
    if std::env::var_os("UPDATE_BATTERY").is_some() {
        // Other tests may be writing their parts.
        let held = File::open(&file).unwrap();
        held.lock().unwrap();
        let (before, _, after) = split(&fs::read_to_string(&file).unwrap());
        fs::write(&file, format!("{before}{begin}{expected}{end}{after}")).unwrap();
    }
    let (_, between, _) = split(&fs::read_to_string(&file).unwrap());
    assert!(
        between == expected,
        "{PAGE}: the part `{part}` is not what was seen; look at the difference, and set UPDATE_BATTERY=1 if it is right:\n{expected}"
    );
}

/// A test that the page says holds something is there.
#[test]
fn tests_that_the_page_names_are_there() {
    let page = fs::read_to_string(repository().join(PAGE)).unwrap();
    let named = Regex::new(r"`([\w./-]+\.rs)::(\w+)`").unwrap();
    let mut count = 0;
    for found in named.captures_iter(&page) {
        let (file, test) = (&found[1], &found[2]);
        let text =
            fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "{file} has no {test}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}
