use uuid::Uuid;

use super::*;
use crate::domain::ids::{ProjectId, TemplateId};
use crate::usms::{Failure, RetCode, SentBatch};

#[test]
fn delays_double_up_to_a_limit() {
    assert_eq!(wait_after(1), Duration::seconds(1));
    assert_eq!(wait_after(4), Duration::seconds(8));
    assert_eq!(wait_after(400), MAX_WAIT);
}

const PHONES: [&str; 2] = ["18500001001", "18500001002"];

/// Returns what the response to a batch call of two messages proves. `failed` of them are in
/// `FailContent`.
fn concluded(ret_code: i64, failed: usize, success_count: Option<i64>) -> End {
    let target = |(phone, n): (&&str, i64)| Target {
        id: MessageId(n),
        phone: (*phone).to_owned(),
        params: Vec::new(),
    };
    let targets: Vec<Target> = PHONES.iter().zip(1..).map(target).collect();
    let failure = |phone: &&str| Failure {
        phone: (*phone).to_owned(),
        user_id: String::new(),
        reason: "reason of the phone".to_owned(),
    };
    let is_complaint = !matches!(ret_code, 0 | 18046);
    let sent = SentBatch {
        session_no: None,
        success_count,
        failures: PHONES.iter().take(failed).map(failure).collect(),
        ret_code: RetCode(ret_code),
        complaint: is_complaint.then(|| (RetCode(ret_code), "of the call".to_owned())),
        request_id: String::new(),
    };
    let claimed = Claimed {
        id: SubmissionId(1),
        project_id: ProjectId(1),
        batch_id: BatchId(1),
        template_id: TemplateId(1),
        signature_id: None,
        vendor_template_id: "UTN1".to_owned(),
        sig_content: String::new(),
        attempts: 1,
        wave: 1,
        rows: None,
        n: 2,
        total: 2,
        each_own: true,
        claimed_at: OffsetDateTime::UNIX_EPOCH,
        lease_until: OffsetDateTime::UNIX_EPOCH,
        worker: Uuid::nil(),
        token: Uuid::nil(),
    };
    conclude_batch(sent, &claimed, &targets)
}

fn pause_reason(end: &End) -> Option<PauseReason> {
    match end {
        End::NotSent { pause_reason, .. } => *pause_reason,
        End::Taken { .. }
        | End::TakenWithComplaint { .. }
        | End::Refused { .. }
        | End::InDoubt { .. }
        | End::NotBegun => None,
    }
}

#[test]
fn an_error_of_the_whole_call_decides_although_it_names_each_phone() {
    for (code, expected) in [
        (18013, PauseReason::Balance),
        (171, PauseReason::Permission),
        (290, PauseReason::Permission),
        (299, PauseReason::Permission),
    ] {
        for success_count in [None, Some(0)] {
            let end = concluded(code, 2, success_count);
            assert_eq!(pause_reason(&end), Some(expected), "{code} {end:?}");
        }
    }
    for code in [153, 150, 18007] {
        let end = concluded(code, 2, None);
        assert!(matches!(end, End::NotSent { pause_reason: None, .. }), "{code} {end:?}");
    }
    assert!(matches!(concluded(110, 2, None), End::InDoubt { .. }), "the gateway does not know");
}

#[test]
fn a_call_that_may_have_been_accepted_is_in_doubt_whatever_its_code() {
    for code in [0, 18013, 18046, 171, 153, 18014] {
        for (failed, success_count) in [(1, None), (1, Some(1)), (2, Some(1)), (0, Some(2))] {
            let end = concluded(code, failed, success_count);
            assert!(matches!(end, End::InDoubt { .. }), "{code} {failed} {success_count:?}");
        }
    }
}

#[test]
fn refused_messages_keep_their_own_reasons() {
    for code in [0, 18046, 18014, 18023] {
        match concluded(code, 2, None) {
            End::Refused { answer, each, .. } => {
                assert_eq!((each.len(), answer.as_str()), (2, "reason of the phone"), "{code}");
            }
            end => panic!("{code} {end:?}"),
        }
    }
}
