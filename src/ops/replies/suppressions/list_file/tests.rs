//! What is understood of lists of opt-outs.

use super::*;
use crate::domain::phone::PhoneProblem;
use proptest::prelude::*;

fn examine(
    content: Vec<u8>,
    chosen: &[PhoneColumn],
    max_rows: u32,
) -> Result<Examined, FileProblem> {
    super::examine(Arc::new(content), ReaderProcess::without_waiting(), chosen, max_rows)
}

fn examined(text: &str) -> Examined {
    examine(text.as_bytes().to_vec(), &[], 1_000).unwrap()
}

fn phones(text: &str) -> Vec<String> {
    let examined = examined(text);
    assert!(examined.is_certain(), "{text}: {examined:?}");
    let phones = examined.reading.unwrap().phones;
    phones.iter().map(|phone| phone.as_str().to_owned()).collect()
}

fn problems(text: &str) -> Vec<(i32, RowProblem)> {
    let reading = examined(text).reading.unwrap();
    reading.wrong.iter().map(|row| (row.line, row.problem)).collect()
}

#[test]
fn a_text_of_phones_one_after_another_is_a_list() {
    let expected = ["18500004101", "18500004102", "18500004103"];
    for text in [
        "18500004101,18500004102,18500004103",
        "18500004101，18500004102、18500004103\n",
        "18500004101;18500004102;18500004103",
        "18500004101\t18500004102\t18500004103",
        "18500004101 18500004102 18500004103",
        "18500004101|18500004102|18500004103",
        "18500004101,18500004102,18500004103\n18500004101,18500004102,18500004103",
        "18500004101,\"18500004102\",18500004103,",
    ] {
        assert_eq!(phones(text), expected, "{text}");
    }
    let long: Vec<String> = (0..1_000).map(|n| format!("1850000{n:04}")).collect();
    assert_eq!(phones(&long.join(",")).len(), 1_000);
    let wrong = "18500004101,18500004102,1.85E+10";
    assert_eq!(problems(wrong), [(1, RowProblem::Phone(PhoneProblem::Spreadsheet))]);
}

#[test]
fn two_columns_of_phones_are_no_list() {
    for text in ["18500004101,18500004102\n18500004103,18500004104", "a,b\n1850000410,18500004101"]
    {
        assert!(examined(text).reading.is_none() || !examined(text).survey.is_list, "{text}");
    }
    assert_eq!(examined("18500004101,18500004102\n18500004103,").survey.candidates().len(), 2);
}

#[test]
fn a_phone_in_a_column_of_something_else_does_not_count() {
    let text = "手机号,备注\n18500004101,18500004109\n18500004102,2026-11-29";
    assert_eq!(phones(text), ["18500004101", "18500004102"]);
    let dates = "18500004101,2026-11-29\n18500004102,2026-11-30";
    assert_eq!(phones(dates), ["18500004101", "18500004102"]);
    let same = "手机号,姓名\n18500004101,李,+86 18500004101";
    assert_eq!(phones(same), ["18500004101"]);
}

#[test]
fn several_phones_in_a_cell_are_named_as_such() {
    for cell in
        ["\"18500004101,18500004102\"", "18500004101/18500004102", "18500004101 18500004102"]
    {
        let text = format!("手机号\n18500004103\n{cell}\n");
        assert_eq!(problems(&text), [(3, RowProblem::Several)], "{cell}");
    }
    let extension = problems("手机号\n18500004101-8001");
    assert_eq!(extension, [(2, RowProblem::Phone(PhoneProblem::TooLong))]);
}

#[test]
fn a_column_is_written_as_it_is_read() {
    let column = PhoneColumn { sheet: 3, index: 12 };
    assert_eq!(column.to_string().parse(), Ok(column));
    for text in ["", "1", "1-", "-1", "a-b", "1-2-3"] {
        assert_eq!(text.parse::<PhoneColumn>(), Err(()), "{text}");
    }
}

proptest! {
    #[test]
    fn every_row_is_understood_or_named(
        cells in proptest::collection::vec("1[3-9][0-9]{9}|1\\.85E\\+10|[a-z]{1,5}|1[0-9]{4,12}", 1..40),
        note in any::<bool>(),
    ) {
        let rows: Vec<String> =
            cells.iter().map(|cell| if note { format!("{cell},x") } else { cell.clone() }).collect();
        let text = format!("手机号{}\n{}\n", if note { ",备注" } else { "" }, rows.join("\n"));
        let reading = examined(&text).reading.unwrap();
        let understood = reading.phones.len() as u64 + reading.duplicates;
        prop_assert_eq!(understood + reading.wrong_count, cells.len() as u64);
        for phone in &reading.phones {
            prop_assert!(cells.iter().any(|cell| cell == phone.as_str()));
        }
    }

    #[test]
    fn no_content_makes_reading_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), sheet in 0_usize..2, index in 0_usize..5,
    ) {
        let _ = examine(bytes.clone(), &[], 100);
        let _ = examine(bytes, &[PhoneColumn { sheet, index }], 100);
    }
}
