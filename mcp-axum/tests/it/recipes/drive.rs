//! One call of a recipe, and what is written down of it.

use super::{
    ALL, OF_THE_USER,
    folder::Recipe,
    kitchen::{Example, Kitchen},
    transcript::{self, Transcript},
    world::Answer,
};

/// Requests that are made before the one that the `mock` answers: recipe, and the answers they get.
fn before(recipe: &str) -> Vec<Answer> {
    match recipe {
        "retry" => vec![
            Answer::new(503, &[("Retry-After", "0")], ""),
            Answer::new(429, &[], ""),
        ],
        "idempotency-key" => vec![Answer::new(503, &[], "")],
        "only-these-hosts" => vec![Answer::new(
            307,
            &[("Location", "https://eu.files.example.com/signed")],
            "",
        )],
        "web-page" => vec![Answer::new(302, &[("Location", "/notices/today.html")], "")],
        _ => Vec::new(),
    }
}

/// One example through one instance.
pub struct Call<'a> {
    /// For messages.
    pub place: String,
    pub instance: &'a str,
    /// The tool's, there.
    pub name: String,
    pub example: &'a Example,
    pub recipe: &'a Recipe,
}

impl Kitchen {
    pub async fn drive(&self, call: Call<'_>, transcript: &mut Transcript) {
        let Call {
            place,
            instance,
            name,
            example,
            recipe,
        } = call;
        let listed = self.listed(instance).await;
        let Some(known) = listed.get(&name) else {
            // An instance may leave a tool out; it is not callable then.
            let answer = self.call(instance, &name, "{}").await;
            assert!(
                answer.contains("\"error\"") && answer.contains("-32602"),
                "{place}: {answer}"
            );
            return;
        };
        // Each instance of a file gets those arguments of the example that it knows.
        let arguments = match instance {
            ALL => example.arguments().to_owned(),
            _ => transcript::keep(example.arguments(), |name| known.contains(name)),
        };
        let mock = example
            .mock
            .as_ref()
            .unwrap_or_else(|| panic!("{place}: an example has no mock"));
        let mut answers = before(&recipe.name);
        answers.push(Answer::of_mock(mock.get()));
        self.world.will_answer(answers);
        let answer = self.call(instance, &name, &arguments).await;
        let (requests, left) = self.world.take();
        let is_error = transcript::is_error(&answer);
        assert_eq!(is_error, example.expects_error(), "{place}: {answer}");
        assert!(
            left == 0 || requests.is_empty() && is_error,
            "{place}: {left} answers were not asked for: {answer}"
        );
        transcript.call(instance, &name, example.description.as_deref(), &arguments);
        for (index, (request, status)) in requests.iter().enumerate() {
            assert!(
                recipe.name == "auth-passthrough" || !request.contains(OF_THE_USER.1),
                "{place}: a header of the client went to the upstream: {request}"
            );
            let is_last = index + 1 == requests.len();
            transcript.request(request, (!is_last).then_some(*status));
        }
        transcript.answer(&answer);
    }
}
