//! Contracts of the storage interfaces, as tests that every implementation must pass. Each interface has a macro that
//! makes a test of every promise: `objects_hold!(house => &house.objects)`, where `house()` opens stores that no
//! other test uses.

pub mod event_log;
pub mod events;
pub mod objects;
pub mod people;
pub mod sample;
pub mod tries;
pub mod uploads;
pub mod videos;
pub mod views;
pub mod work;

/// Makes a test of each listed promise of a contract.
macro_rules! holds {
    ($suite:ident, $house:ident => $what:expr, $($promise:ident,)+) => {
        mod $suite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let $house = house().await;
                    contract::$suite::$promise($what).await;
                }
            )+
        }
    };
}

macro_rules! objects_hold {
    ($house:ident => $what:expr) => {
        holds! { objects, $house => $what,
            what_is_put_is_read_whole,
            put_if_absent_never_replaces,
            of_twelve_racers_one_stores,
            a_range_is_cut_at_the_end,
            a_large_object_streams_in_pieces,
            a_reader_has_what_it_has_opened_or_an_error,
            a_listing_has_its_prefix_and_nothing_else,
            videos_do_not_see_each_others_objects,
            a_long_listing_has_everything_once,
            a_checksum_is_of_the_stored_bytes,
            deleting_what_is_gone_is_no_error,
            a_hash_that_leads_elsewhere_is_refused,
        }
    };
}
macro_rules! videos_hold {
    ($house:ident => $what:expr) => {
        holds! { videos, $house => $what,
            a_row_is_read_as_it_was_written,
            a_change_raises_the_epoch_and_needs_the_last_one,
            of_twelve_racers_one_changes_the_row,
            concurrent_changes_all_happen,
            pages_are_newest_first_and_leave_nothing_out,
            a_cursor_stays_right_while_videos_come_and_go,
            a_tombstone_is_in_no_list_but_its_own,
            the_unfinished_are_those_with_work_left,
            a_row_is_put_as_it_is_over_an_older_one_only,
        }
    };
}
macro_rules! uploads_hold {
    ($house:ident => $what:expr) => {
        holds! { uploads, $house => $what,
            an_offset_never_goes_back,
            an_unknown_upload_is_not_found,
            the_stale_are_incomplete_and_come_longest_still_first,
            one_that_moves_is_not_given_up_and_one_that_is_does_not_move,
            an_upload_that_is_inserted_complete_is_never_stale,
        }
    };
}
macro_rules! tries_hold {
    ($house:ident => $what:expr) => {
        holds! { tries, $house => $what,
            no_try_is_lost_among_many,
            a_mark_that_still_stands_is_an_unexplained_end,
            a_retry_forgets_tries_but_not_fillers,
            what_is_put_is_listed,
        }
    };
}
macro_rules! views_hold {
    ($house:ident => $what:expr) => {
        holds! { views, $house => $what,
            no_view_is_lost_among_many,
            what_is_removed_is_nought_and_the_others_stay,
        }
    };
}
macro_rules! people_hold {
    ($house:ident => $what:expr) => {
        holds! { people, $house => $what,
            an_owners_name_is_theirs_alone,
            a_revoked_token_opens_nothing,
            a_code_signs_in_once,
            a_session_ends_by_time_or_by_hand,
        }
    };
}
macro_rules! event_log_hold {
    ($house:ident => $what:expr) => {
        holds! { event_log, $house => $what,
            the_log_is_read_on_from_any_place,
            a_pruned_place_is_never_used_again,
        }
    };
}
macro_rules! events_hold {
    ($house:ident => $what:expr) => {
        holds! { events, $house => $what,
            every_subscriber_hears_everything_in_order,
        }
    };
}
macro_rules! work_hold {
    ($house:ident => $what:expr) => {
        holds! { work, $house => $what,
            an_offer_is_refused_while_the_same_one_waits_or_is_in_hand,
            what_is_handed_back_comes_again_after_its_delay,
            what_its_worker_dropped_comes_again,
            a_worker_waits_until_something_is_offered,
            each_of_many_chunks_goes_to_one_worker,
            chunks_come_in_the_order_of_their_offers,
            what_is_withdrawn_is_not_taken_and_can_be_offered_anew,
            more_of_a_video_is_taken_by_one_and_comes_again_if_it_is_handed_back,
            the_queue_is_bounded,
            a_demand_gets_its_workers_answer,
            a_demand_that_is_dropped_is_refused,
            a_demand_that_nobody_answers_is_refused_after_its_patience,
            where_no_worker_is_a_demand_learns_it_at_once,
            who_is_warm_for_a_video_is_asked_first,
            workers_hear_of_each_other,
        }
    };
}
