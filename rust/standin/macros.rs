// SPDX-License-Identifier: GPL-2.0

//! What the module uses of the kernel's `macros` crate, and what the stand-in for its `kernel`
//! crate has of its own.

use std::fmt::Write;

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A suite of tests in a module. It is compiled where CONFIG_KUNIT is set, which here means that
/// the module is built with SELFTEST=1, and `rust_kunit_SUITE()` runs it.
#[proc_macro_attribute]
pub fn kunit_tests(suite: TokenStream, item: TokenStream) -> TokenStream {
    let tests = |body: TokenStream| {
        let mut names = String::new();
        let mut tokens = body.clone().into_iter();

        while let Some(token) = tokens.next() {
            // #[test] fn NAME
            if token.to_string() == "[test]" {
                let name = tokens.nth(1).expect("#[test] is followed by a function");
                let _ = write!(names, "(\"{name}\", {name} as fn()), ");
            }
        }
        let mut tests = rust(
            "#[allow(unused_macros)]
             macro_rules! assert {
                 ($condition:expr $(,)?) => { ::kernel::kunit_assert!($condition) };
             }
             #[allow(unused_macros)]
             macro_rules! assert_eq {
                 ($left:expr, $right:expr $(,)?) => { ::kernel::kunit_assert_eq!($left, $right) };
             }",
        );
        tests.extend(without_attribute(body, "[test]"));
        tests.extend(rust(&format!(
            "#[no_mangle]
             extern \"C\" fn rust_kunit_{suite}() -> ::kernel::ffi::c_int {{
                 match ::kernel::kunit::run_suite(\"{suite}\", &[{names}]) {{
                     Ok(()) => 0,
                     Err(error) => error.to_errno(),
                 }}
             }}"
        )));
        tests
    };

    let mut out = rust("#[cfg(CONFIG_KUNIT = \"y\")]");
    out.extend(change_group(item, Delimiter::Brace, tests));
    out
}

/// `format_line!(line, "..", ..)`: appends to a `kernel::print::Line` as `format!()` would, for as
/// much of its language as the module speaks: `{}`, `{:?}` and `{:#018x}`, of arguments or of
/// variables.
#[proc_macro]
pub fn format_line(input: TokenStream) -> TokenStream {
    let mut parts = vec![TokenStream::new()];
    for token in input {
        match &token {
            TokenTree::Punct(p) if p.as_char() == ',' => parts.push(TokenStream::new()),
            _ => parts.last_mut().expect("there is one").extend([token]),
        }
    }
    let mut parts = parts.into_iter();
    let line = parts.next().expect("the line comes first");
    let format = parts.next().expect("the format comes second");
    let mut arguments = parts.filter(|part| !part.is_empty());
    // Variables that the format names are those where it stands.
    let span = format
        .clone()
        .into_iter()
        .next()
        .expect("the format is a string")
        .span();

    // As it stands in the source, escapes and all.
    let format = format.to_string();
    let format = format
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .expect("the format is a string");
    let mut out = TokenStream::new();
    for (number, piece) in format.split('{').enumerate() {
        let text = if number == 0 {
            piece
        } else {
            let (value, text) = piece.split_once('}').expect("a brace is closed");
            let (name, spec) = value.split_once(':').unwrap_or((value, ""));
            let value = match name {
                "" => arguments.next().expect("there is an argument for each {}"),
                name => TokenTree::from(Ident::new(name, span)).into(),
            };
            let show = match spec {
                "" | "?" => "::kernel::print::Show::show(&VALUE, &mut LINE);",
                "#018x" => "LINE.hex(VALUE);",
                other => panic!("{{:{other}}} is not known here"),
            };
            out.extend(fill(rust(show), &line, &value));
            text
        };
        if !text.is_empty() {
            let append = rust(&format!("LINE.text(\"{text}\");"));
            out.extend(fill(append, &line, &TokenStream::new()));
        }
    }
    assert!(
        arguments.next().is_none(),
        "there is no {{}} for an argument"
    );
    out
}

/// `tokens` with `line` and `value` in the places of `LINE` and `VALUE`.
fn fill(tokens: TokenStream, line: &TokenStream, value: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let contents = fill(group.stream(), line, value);
                Group::new(group.delimiter(), contents).into()
            }
            token => match token.to_string().as_str() {
                "LINE" => Group::new(Delimiter::None, line.clone()).into(),
                "VALUE" => Group::new(Delimiter::Parenthesis, value.clone()).into(),
                _ => token,
            },
        })
        .collect()
}

/// Parses what is written here.
fn rust(text: &str) -> TokenStream {
    text.parse().expect("this is Rust")
}

/// Changes the contents of the first group in `tokens` that `delimiter` delimits.
fn change_group(
    tokens: TokenStream,
    delimiter: Delimiter,
    change: impl FnOnce(TokenStream) -> TokenStream,
) -> TokenStream {
    let mut change = Some(change);

    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == delimiter => match change.take() {
                Some(change) => Group::new(delimiter, change(group.stream())).into(),
                None => group.into(),
            },
            token => token,
        })
        .collect()
}

/// `tokens` without the attribute that is written `#` and `brackets`.
fn without_attribute(tokens: TokenStream, brackets: &str) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();

    while let Some(token) = tokens.next() {
        if token.to_string() == "#" && tokens.peek().is_some_and(|t| t.to_string() == brackets) {
            tokens.next();
        } else {
            out.extend([token]);
        }
    }
    out
}
