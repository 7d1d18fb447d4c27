// SPDX-License-Identifier: GPL-2.0

//! The attributes of the kernel's `macros` and `pin_init` crates that the module uses, for the
//! stand-in for its `kernel` crate.

use std::fmt::Write;

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A structure with `#[pin]` fields. With `PinnedDrop` as its argument, one that implements that in
/// place of `Drop`.
#[proc_macro_attribute]
pub fn pin_data(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut out = change_group(item, Delimiter::Brace, |fields| {
        without_attribute(fields, "[pin]")
    });

    match args.to_string().as_str() {
        "" => (),
        "PinnedDrop" => out.extend(drop_of(out.clone())),
        other => panic!("#[pin_data({other})] is not known here"),
    }
    out
}

/// An implementation of `PinnedDrop`, which nobody but `Drop` may call.
#[proc_macro_attribute]
pub fn pinned_drop(_args: TokenStream, item: TokenStream) -> TokenStream {
    // impl<..> PinnedDrop for .. { fn drop(self: Pin<&mut Self>) { .. } }
    let item = change_group(item, Delimiter::Brace, |methods| {
        change_group(methods, Delimiter::Parenthesis, |mut parameters| {
            parameters.extend(rust(", _: ::kernel::init::OnlyCallFromDrop"));
            parameters
        })
    });

    rust("unsafe")
        .into_iter()
        .chain(item.into_iter().flat_map(|token| match token {
            TokenTree::Ident(name) if name.to_string() == "PinnedDrop" => {
                rust("::kernel::init::PinnedDrop")
            }
            token => token.into(),
        }))
        .collect()
}

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

/// Implements `Drop` for a structure by its `PinnedDrop`. The structure may have type parameters
/// with bounds in place, which is all that the module has.
fn drop_of(item: TokenStream) -> TokenStream {
    let mut tokens = item
        .into_iter()
        .skip_while(|t| t.to_string() != "struct")
        .skip(1);
    let name = tokens.next().expect("a structure has a name");
    let declared: Vec<_> = tokens
        .take_while(|t| !matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace))
        .collect();

    // Of `<F: Function, T: Handler<F> + 'static>`, that is `<F, T>`.
    let (mut names, mut depth, mut at_name) = (String::new(), 0, true);
    for token in &declared {
        match token.to_string().as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            "," if depth == 1 => at_name = true,
            "where" | "const" => panic!("#[pin_data(PinnedDrop)] knows type parameters only"),
            parameter if depth == 1 && at_name => {
                let _ = write!(names, "{parameter}, ");
                at_name = false;
            }
            _ => (),
        }
    }
    let declared: TokenStream = declared.into_iter().collect();

    rust(&format!(
        "impl {declared} Drop for {name}<{names}> {{
             fn drop(&mut self) {{
                 // SAFETY: What `#[pin_data]` marks has been initialized where it stays, and it is
                 // not moved now.
                 let pinned = unsafe {{ ::core::pin::Pin::new_unchecked(self) }};
                 // SAFETY: This is `Drop`.
                 let proof = unsafe {{ ::kernel::init::OnlyCallFromDrop::new() }};

                 ::kernel::init::PinnedDrop::drop(pinned, proof)
             }}
         }}"
    ))
}
