//! The limits of an evaluation as a JUnit test report, a case each.

use super::{Report, limit};
use crate::report::export::junit::clean;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// The report as XML.
///
/// # Errors
/// None is known.
pub fn junit(of: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(clean(of.suite));
    for one in &of.limits {
        let status = match one.is_kept {
            true => TestCaseStatus::success(),
            false => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(clean(&limit(one)));
                status
            }
        };
        let name = format!("{} {}", one.figure.name(), one.column.name());
        let mut case = TestCase::new(clean(&name), status);
        case.set_classname(clean(of.suite));
        suite.add_test_case(case);
    }
    let mut report = quick_junit::Report::new(clean(of.suite));
    report.add_test_suite(suite);
    report.to_string()
}
