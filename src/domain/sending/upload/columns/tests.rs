use super::*;

fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn guess_with(text: &str, variables: usize, meanings: &[&str]) -> (Mapping, Vec<usize>) {
    let meanings: Vec<String> = meanings.iter().map(|name| (*name).to_owned()).collect();
    Guess { rows: &rows(text), variables, meanings: &meanings, phone: None }.mapping()
}

fn guess(text: &str, variables: usize) -> Mapping {
    let (mapping, candidates) = guess_with(text, variables, &[]);
    assert!(candidates.is_empty(), "{candidates:?}");
    mapping
}

fn mapping(header: bool, phone: usize, values: &[usize]) -> Mapping {
    let values = values.iter().copied().map(Some).collect();
    Mapping { header, title_rows: 0, phone, values }
}

#[test]
fn a_file_in_the_vendors_own_layout_needs_no_header() {
    let found = guess("18500001234,李雷,50\n18500001235,韩梅梅,60", 2);
    assert_eq!(found, mapping(false, 0, &[1, 2]));
}

#[test]
fn columns_are_found_by_their_names() {
    let found = guess("姓名,参数2,手机号,参数1\n李雷,50,18500001234,x", 2);
    assert_eq!(found, mapping(true, 2, &[3, 1]));
    let (found, _) = guess_with("姓名,Mobile Phone,金额\n李,18500001234,5", 2, &["金额", "姓名"]);
    assert_eq!(found, mapping(true, 1, &[2, 0]));
}

#[test]
fn without_a_header_the_column_with_the_most_phones_is_the_phone() {
    let found = guess("1,18500001234,李\n2,1850000,韩\n3,18500001236,王", 1);
    assert_eq!(found, mapping(false, 1, &[0]));
}

#[test]
fn the_phone_is_chosen_by_name_and_content() {
    let landline = "电话,手机号,验证码,分钟\n010-12345678,18500001234,1234,5";
    assert_eq!(guess(landline, 2), mapping(true, 1, &[2, 3]));
    let number = "Number,Mobile,code,min\n1,18500001234,1234,5\n2,18500001235,1235,5";
    assert_eq!(guess(number, 2), mapping(true, 1, &[2, 3]));
    let order = "姓名,订单号,手机号\n李,18500004130,18500004131";
    assert_eq!(guess(order, 1), mapping(true, 2, &[0]));
    let damaged = "编号,手机号\n10000001,1.85E+10\n10000002,1.85E+10";
    assert_eq!(guess(damaged, 0).phone, 1);
}

#[test]
fn damaged_phones_of_the_better_name_are_asked_about() {
    for text in [
        "手机号,电话\n1.85E+10,18500001234\n1.85E+10,18500001235",
        "手机号,联系人电话\n1850000123,18500001234\n1850000124,18500001235",
    ] {
        let (_, candidates) = guess_with(text, 0, &[]);
        assert_eq!(candidates, [0, 1], "{text}");
    }
    let number = "Number,Mobile\n10000001,18500001234\n10000002,18500001235";
    assert_eq!(guess(number, 0).phone, 1);
}

#[test]
fn codes_are_not_taken_for_phones() {
    let text = "phone,code,min\n18500001234,1234567,5\n18500001235,12345678,5";
    assert_eq!(guess(text, 2), mapping(true, 0, &[1, 2]));
}

#[test]
fn several_columns_of_mobile_phones_are_asked_about() {
    for text in [
        "电话,手机号,验证码\n18500001234,18500001235,1234",
        "姓名,手机号,紧急联系人手机\n李,18500001234,18500001235",
        "李,18500001234,18500001235",
        "a,b\n18500001234,18500001235",
    ] {
        let (found, candidates) = guess_with(text, 1, &[]);
        assert_eq!(candidates.len(), 2, "{text}");
        assert!(!found.values.contains(&Some(candidates[1])), "{text}: {found:?}");
    }
    let rows = rows("电话,手机号,验证码\n18500001234,18500001235,1234");
    let chosen = Guess { rows: &rows, variables: 1, meanings: &[], phone: Some(1) }.mapping();
    assert_eq!(chosen, (mapping(true, 1, &[2]), Vec::new()));
}

#[test]
fn a_column_that_is_only_named_as_the_phones_is_asked_about() {
    for text in [
        "姓名,订单号,手机号\n李,18500004130,1.85E+10\n韩,18500004132,185****4133",
        "姓名,订单号,手机号\n李,18500004130,\n韩,18500004132,",
        "姓名,订单号,手机\n李,18500004130,185xxxx4131",
    ] {
        assert_eq!(guess_with(text, 0, &[]).1, [1, 2], "{text}");
    }
    let number = "Number,Contact\n1,18500001234\n2,18500001235";
    assert_eq!(guess(number, 0).phone, 1);
}

#[test]
fn a_number_or_remark_behind_the_name_of_a_column_is_ignored() {
    for text in ["手机号1,姓名\n18500001234,李", "手机号码（11位）,姓名\n18500001234,李"]
    {
        assert_eq!(guess(text, 1), mapping(true, 0, &[1]), "{text}");
    }
    let (found, candidates) = guess_with("手机号1,手机号2\n18500001234,18500001235", 0, &[]);
    assert!(found.header);
    assert_eq!(candidates, [0, 1]);
}

#[test]
fn the_first_row_is_a_header_if_it_names_a_column_or_has_no_digit() {
    for text in ["phone,name", "电话2,手机号\n,18500001234", "客户,余额\n18500001234,5"] {
        assert!(guess(text, 1).header, "{text}");
    }
    for text in ["1.85E+10,李", "1850000123,李", ",李,5\n18500001234,韩,6", "1,2"] {
        assert!(!guess(text, 2).header, "{text}");
    }
    let (found, _) = guess_with("2026年余额,x9\n5,18500001234", 1, &["2026年余额"]);
    assert!(found.header, "it names a variable");
}

#[test]
fn titles_above_the_header_are_no_rows() {
    let found = guess("2026年客户名单\n\n手机号,姓名\n18500001234,李", 1);
    assert_eq!((found.header, found.title_rows, found.phone), (true, 2, 0));
    let found = guess("说明,\n手机号,姓名\n18500001234,李", 1);
    assert_eq!(found.title_rows, 1);
    let found = guess("导出时间,2026-11-29,部门,甲\n手机号,姓名\n18500001234,李", 1);
    assert_eq!(found.title_rows, 1, "a title may be wider than the header");
    let found = guess("18500001233,张\n手机号,姓名\n18500001234,李", 1);
    assert_eq!((found.header, found.title_rows), (false, 0), "a row above is not lost");
}

#[test]
fn columns_of_a_file_of_rejected_rows_are_known_only_as_the_last_three() {
    let found = guess("手机号,验证码,line,verdict,reason\n18500001234,1,2,Value missing,x", 2);
    assert_eq!(found.values, [Some(1), None]);
    let found = guess("手机号,验证码,行号,结果,原因\n18500001234,1,2,缺少变量,x", 2);
    assert_eq!(found.values, [Some(1), None]);
    let found = guess("手机号,验证码,line,verdict,reason,,\n18500001234,1,2,x,y,,", 2);
    assert_eq!(found.values, [Some(1), None], "empty columns behind them");
    let found = guess("手机号,line,verdict,验证码\n18500001234,a,b,c", 3);
    assert_eq!(found.values, [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_variable_without_a_column_gets_none() {
    assert_eq!(guess("18500001234,李", 2).values, [Some(1), None]);
    assert_eq!(guess("", 1).values, [None]);
    assert_eq!(guess("手机号,,姓名\n18500001234,,李", 1).values, [Some(2)]);
}
