use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::fresh::judge;
use super::*;

fn goal(text: &str) -> crate::config::Goal {
    let config = Config::parse(&format!("[freshness]\n\"model:delay\" = {text}")).unwrap();
    config.goal(Some(&keizu_record::Name::Model("delay".into())), None).unwrap().clone()
}

fn at(time: &str) -> ZonedDateTime {
    time.parse::<Timestamp>().unwrap().to_zoned_datetime(TimeZone::UTC)
}

fn day(text: &str) -> Option<DataTime> {
    DataTime::day(text.parse().unwrap(), "file name".into(), "inferred", &FilePath::from("daily/x.csv"))
}

fn stamp(text: &str) -> Option<DataTime> {
    let micros = text.parse::<Timestamp>().unwrap().as_microsecond();
    Some(DataTime::new(micros, true, "column at".into(), "observed", &FilePath::from("x.csv")))
}

#[test]
fn within_a_span() {
    let goal = goal("\"1 day\"");
    let grade = |time| judge(&goal, time, &at("2026-05-04T12:00:00Z")).grade;
    assert_eq!(grade(stamp("2026-05-03T12:00:00Z")), Grade::Fresh);
    assert_eq!(grade(stamp("2026-05-03T11:59:59Z")), Grade::Late);
    assert_eq!(grade(day("2026-05-03")), Grade::Fresh);
    assert_eq!(grade(day("2026-05-02")), Grade::Late);
    assert_eq!(grade(None), Grade::Unknown);
}

#[test]
fn each_day_by_a_time_of_day() {
    let goal = goal("{ data_time = \"yesterday 23:59\", by = \"07:00\", zone = \"UTC\" }");
    let grade = |now: &str, time| judge(&goal, time, &at(now)).grade;
    // before 7 o'clock yesterday's data are due, those of the day before must be there
    assert_eq!(grade("2026-05-04T06:59:00Z", day("2026-05-03")), Grade::Fresh);
    assert_eq!(grade("2026-05-04T06:59:00Z", day("2026-05-02")), Grade::Due);
    assert_eq!(grade("2026-05-04T06:59:00Z", day("2026-05-01")), Grade::Late);
    assert_eq!(grade("2026-05-04T07:00:00Z", day("2026-05-03")), Grade::Fresh);
    assert_eq!(grade("2026-05-04T07:00:00Z", day("2026-05-02")), Grade::Late);
    assert_eq!(judge(&goal, day("2026-05-02"), &at("2026-05-04T07:00:00Z")).needed, "2026-05-03T23:59:00Z");
}

#[test]
fn a_wall_clock_is_read_where_the_goal_is() {
    // installed zones may be missing where tests run
    if TimeZone::get("America/New_York").is_err() {
        return;
    }
    let goal = goal("{ data_time = \"yesterday 23:59\", by = \"07:00\", zone = \"America/New_York\" }");
    let now = at("2026-05-04T16:00:00Z");
    assert_eq!(judge(&goal, day("2026-05-03"), &now).grade, Grade::Fresh);
    // the same clock's face in UTC is four hours earlier
    assert_eq!(judge(&goal, stamp("2026-05-03T23:59:59Z"), &now).grade, Grade::Late);
}

#[test]
fn midnight_means_the_day() {
    let event = |micros, zoned| crate::profiles::Event { column: "day".into(), at: Time(micros), zoned };
    let path = FilePath::from("x.csv");
    assert_eq!(of_event(&event(0, false), "observed", &path).time, "1970-01-01T23:59:59.999999");
    assert_eq!(of_event(&event(0, true), "observed", &path).time, "1970-01-01T00:00:00Z");
    assert_eq!(of_event(&event(1_000_000, false), "observed", &path).time, "1970-01-01T00:00:01");
}
