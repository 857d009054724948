use super::*;

/// The rows of the vendor's page: 2,611, of which 47 name a code of China Telecom a second time.
const ROWS: usize = 2_564;

fn rows() -> Vec<(String, String, String, String)> {
    let table = include_bytes!("../receipt_codes.csv").as_slice();
    csv::Reader::from_reader(table).deserialize().map(Result::unwrap).collect()
}

/// Checks the cause of each code, at the carrier of its row: `code` or `code@carrier`.
#[track_caller]
fn assert_cause(cause: Category, codes: &[&str]) {
    for one in codes {
        let (code, carrier) = one.split_once('@').unwrap_or((one, ""));
        assert_eq!(categorise(code, Carrier::from_key(carrier)), cause, "{one}");
    }
}

#[test]
fn the_table_has_every_row_of_the_vendor_with_a_cause_and_an_advice() {
    let rows = rows();
    assert_eq!(rows.len(), ROWS);
    for (code, carrier, cause, advice) in &rows {
        assert!(!code.is_empty(), "{code} {carrier}");
        assert!(Category::from_key(cause).is_some(), "{code} {carrier}: {cause}");
        assert!(Advice::from_key(advice).is_some(), "{code} {carrier}: {advice}");
    }
}

#[test]
fn every_kind_of_advice_and_every_cause_is_in_the_table() {
    let rows = rows();
    for advice in Advice::ALL {
        assert!(rows.iter().any(|row| row.3 == advice.key()), "{advice:?}");
    }
    for cause in Category::ALL {
        assert!(rows.iter().any(|row| row.2 == cause.key()), "{cause:?}");
    }
}

#[test]
fn the_carrier_of_the_phone_decides_what_a_code_means() {
    assert_eq!(categorise("-1", Some(Carrier::Cucc)), Category::InvalidNumber);
    assert_eq!(categorise("-1", Some(Carrier::Cmcc)), Category::Expired);
    assert_eq!(categorise("Delivrd", None), Category::Delivered);
    assert_eq!(categorise("no such code", None), Category::CarrierUnspecified);
}

#[test]
fn a_phone_that_may_be_off_is_not_taken_for_gone() {
    assert_cause(
        Category::PoweredOff,
        &["R:00002@ctcc", "UNDELIVRD", "R:04442", "809@ctcc", "MI:0015@cmcc", "-37", "MK:0012"],
    );
}

#[test]
fn a_phone_that_does_not_answer_is_out_of_range_and_a_node_that_does_not_is_the_channel() {
    assert_cause(Category::PoweredOff, &["301@ctcc", "302@ctcc", "SPMSERR:302", "219@ctcc"]);
    assert_cause(Category::Channel, &["MK:0049", "ID:6153"]);
}

#[test]
fn a_suspended_number_may_come_back() {
    assert_cause(
        Category::Suspended,
        &["825", "998", "R:00003@ctcc", "1@cmcc", "R:00801@ctcc", "MK:0004"],
    );
    assert_cause(Category::InvalidNumber, &["ERRNUM", "107@ctcc", "MI:0010", "-118"]);
}

#[test]
fn packages_accounts_and_platforms_are_not_the_recipient() {
    assert_cause(
        Category::Channel,
        &["-10", "JL:0015", "TIMEOUT", "S:4", "DB:0105", "DB:0114", "MB:1039", "YX:5009", "-111"],
    );
    assert_cause(Category::Arrears, &["S:11", "CB:0007", "MB:1040", "DB:0127"]);
}

#[test]
fn a_whitelist_or_a_lock_that_opens_itself_is_no_opt_out() {
    assert_cause(Category::Channel, &["-102", "-109", "DB:0140"]);
    assert_cause(Category::Frequency, &["MA:0022", "ST1RESP:29"]);
    assert_cause(Category::Blacklist, &["MLBLACK", "MX:0012", "SGIP:110", "6@ctcc", "MB:1076"]);
}

#[test]
fn blocked_words_are_content_and_the_signature_is_the_signature() {
    assert_cause(Category::Content, &["GB:0013", "KEYWORD", "2@cmcc", "-100", "E-401", "615@ctcc"]);
    assert_cause(Category::Signature, &["SIGNERR", "E:SIGN", "NOSEND", "DI:9431"]);
}

#[test]
fn hours_are_quiet_hours() {
    assert_cause(
        Category::QuietHours,
        &["AP:16", "DB:0139", "ID:0139", "ID:0044@cmcc", "ID:0044", "ERRTIME", "DI:9420"],
    );
    assert_cause(Category::Channel, &["45@ctcc", "MB:0066"]);
}

#[test]
fn too_many_or_too_often_is_frequency() {
    assert_cause(
        Category::Frequency,
        &[
            "-131", "-99", "-108", "HD:21", "DB:0142", "DB:0143", "CL26:-15", "CL26:-37", "E:ODML",
            "E:RPTSD", "DISTURB", "YX:9432", "HD:24",
        ],
    );
}

#[test]
fn a_busy_platform_is_the_channel_unless_the_advice_is_to_send_less() {
    assert_cause(Category::Channel, &["SGIP:85", "ID:0087", "MK:0192", "DI:0145"]);
    assert_cause(Category::Frequency, &["AP:8", "MB:1042", "S:8"]);
}

#[test]
fn a_message_that_ran_out_of_time_expired_and_a_call_that_did_is_the_channel() {
    assert_cause(Category::Expired, &["EXPIRED", "EXPIREO", "NULL", "800", "MI:0000@ctcc"]);
    assert_cause(Category::Channel, &["YX:1002", "ID:0073", "SGIP:75", "CA:0054"]);
}

#[test]
fn the_phone_refuses_what_the_network_brought() {
    assert_cause(Category::Handset, &["MK:0208", "-43", "713@ctcc", "SMGP627", "MK:0210"]);
    assert_cause(Category::Channel, &["MB:1024"]);
}

#[test]
fn a_service_that_the_recipient_lacks_is_not_provisioned() {
    assert_cause(Category::NotProvisioned, &["102@ctcc", "DB:0111", "DB:0115", "156@ctcc"]);
    assert_cause(Category::NumberPortability, &["ID:0043", "MB:1049"]);
}

#[test]
fn what_names_no_reason_goes_by_the_advice_or_stays_unspecified() {
    assert_cause(Category::Content, &["MM:0174"]);
    assert_cause(Category::Frequency, &["-180"]);
    assert_cause(Category::CarrierUnspecified, &["62@cmcc", "DB:0132", "MA:0030", "DB:0000"]);
}

#[test]
fn the_advice_of_the_vendor_belongs_to_the_cause() {
    let advised = |code, cause| advice(code, cause, Some(Carrier::Ctcc));
    assert_eq!(advised("R:00002", Category::PoweredOff), Some(Advice::RestoreService));
    assert_eq!(advised("R:00002", Category::InvalidNumber), None);
    assert_eq!(advised("-10", Category::Channel), Some(Advice::TopUpAccount));
    assert_eq!(advised("keyword", Category::Content), Some(Advice::ChangeText));
    assert_eq!(advised("DELIVRD", Category::Delivered), None);
    assert_eq!(advised("MA:0030", Category::CarrierUnspecified), None);
}

#[test]
fn blacklists_are_lifted_with_written_consent() {
    let consent: Vec<_> =
        rows().into_iter().filter(|row| row.3 == Advice::WrittenConsent.key()).collect();
    // 106 rows of the page; China Telecom's 163 is there twice.
    assert_eq!(consent.len(), 105);
    assert!(consent.iter().all(|row| row.2 == Category::Blacklist.key()), "{consent:?}");
}
