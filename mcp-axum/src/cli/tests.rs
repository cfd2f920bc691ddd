use super::*;
use clap::CommandFactory;
use std::collections::BTreeSet;

/// Commands without `--format`, and why.
const WITHOUT_FORMAT: [(&str, &str); 9] = [
    (
        "serve",
        "runs until it is ended; its log has a format of its own (log.format)",
    ),
    ("start", "the same"),
    ("demo", "the same"),
    ("stdio", "standard output has MCP messages, and nothing else"),
    ("completions", "the text is for a shell"),
    ("manual", "the text is for man"),
    ("config default", "the text is a file with comments, for people"),
    ("config generate", "the same"),
    ("config convert", "--to says what is printed"),
];

/// Every command that does something, by its words.
fn leaves(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let below: Vec<_> = below.filter(|below| below.get_name() != "help").collect();
    if below.is_empty() || command.is_args_conflicts_with_subcommands_set() {
        found.push((words.to_owned(), command.clone()));
    }
    for below in below {
        let words = format!("{words} {}", below.get_name());
        leaves(below, words.trim_start(), found);
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    let mut cli = Cli::command();
    cli.build();
    leaves(&cli, "", &mut found);
    found
}

#[test]
fn whatever_prints_something_prints_it_as_json_too() {
    let (mut without, mut count) = (BTreeSet::new(), 0);
    for (words, command) in all() {
        count += 1;
        let format = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some("format"));
        let has_json = format.is_some_and(|format| {
            let values = format.get_possible_values();
            values.iter().any(|value| value.get_name() == "json")
        });
        if !has_json {
            without.insert(words);
        }
    }
    assert!(count > 60, "{count} commands were looked at");
    let expected: BTreeSet<String> = WITHOUT_FORMAT
        .iter()
        .map(|(words, _)| (*words).to_owned())
        .collect();
    assert_eq!(without, expected);
}

#[test]
fn what_is_done_often_with_an_upstream_needs_no_second_word() {
    let known: BTreeSet<String> = all().into_iter().map(|(words, _)| words).collect();
    for word in ["remove", "enable", "disable", "refresh", "logs"] {
        for words in [word.to_owned(), format!("upstreams {word}")] {
            assert!(known.contains(&words), "{words}");
        }
    }
    for words in ["add", "test", "upstreams test"] {
        assert!(known.contains(words), "{words}");
    }
}
