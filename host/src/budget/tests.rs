use std::time::Duration;

use super::*;

fn budget(memory_bytes: usize) -> Arc<Budget> {
    Budget::new(&Limits { memory_bytes, calls_waiting: 2, ..Limits::default() })
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// Whether it is still waiting.
async fn waits<T>(task: &mut (impl Future<Output = T> + Unpin)) -> bool {
    futures_util::poll!(task).is_pending()
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_given_back() {
    let budget = budget(100);
    let query = budget.allow(budget.lane(), soon());
    let mut hold = query.hold();
    hold.take(30).await.unwrap();
    hold.take(30).await.unwrap();
    query.keep(10);
    assert_eq!(budget.held(), 70);
    drop(hold);
    assert_eq!(budget.held(), 10);
    drop(query);
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_query_waits_until_there_is_room_for_it_and_at_most_its_time() {
    let budget = budget(100);
    let mut first = budget.allow(budget.lane(), soon()).hold();
    first.take(80).await.unwrap();
    let mut second = budget.allow(budget.lane(), soon()).hold();
    assert_eq!(second.take(30).await, Err(NoMemory::InTime(100)));
    assert_eq!(budget.held(), 80, "who gave up holds nothing");
    let mut third = budget.allow(budget.lane(), soon()).hold();
    let mut take = Box::pin(third.take(30));
    assert!(waits(&mut take).await);
    drop(first);
    assert_eq!(take.await, Ok(()));
    assert_eq!(budget.held(), 30);
}

#[tokio::test(start_paused = true)]
async fn who_holds_something_goes_before_those_that_begin_and_the_oldest_first() {
    let budget = budget(100);
    let [mut oldest, mut younger, mut beginner] =
        [(); 3].map(|()| budget.allow(budget.lane(), soon()).hold());
    let mut all = budget.allow(budget.lane(), soon()).hold();
    for hold in [&mut younger, &mut oldest] {
        hold.take(1).await.unwrap();
    }
    all.take(98).await.unwrap();
    let mut begins = Box::pin(beginner.take(49));
    assert!(waits(&mut begins).await);
    // One may have more than there is, so that somebody comes to an end.
    let mut grows = Box::pin(younger.take(50));
    assert_eq!(futures_util::poll!(&mut grows), std::task::Poll::Ready(Ok(())));
    assert_eq!(budget.held(), 150);
    let mut grows_too = Box::pin(oldest.take(50));
    assert!(waits(&mut grows_too).await, "only one may");
    drop(all);
    assert!(!waits(&mut grows_too).await);
    assert!(waits(&mut begins).await);
    drop(grows);
    drop(younger);
    assert_eq!(begins.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn two_that_wait_for_each_other_both_come_to_an_end() {
    let budget = budget(100);
    let [mut one, mut other] = [(); 2].map(|()| budget.allow(budget.lane(), soon()).hold());
    one.take(50).await.unwrap();
    other.take(50).await.unwrap();
    let both = tokio::join!(
        async {
            one.take(50).await?;
            drop(one);
            Ok::<_, NoMemory>(())
        },
        async {
            other.take(50).await?;
            drop(other);
            Ok::<_, NoMemory>(())
        }
    );
    assert_eq!(both, (Ok(()), Ok(())));
    assert_eq!(budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_has_more_than_there_is_gets_more_although_an_older_one_waits() {
    let budget = budget(100);
    let [mut older, mut younger] = [(); 2].map(|()| budget.allow(budget.lane(), soon()).hold());
    older.take(50).await.unwrap();
    younger.take(50).await.unwrap();
    younger.take(50).await.unwrap();
    let mut waiting = Box::pin(older.take(50));
    assert!(waits(&mut waiting).await);
    younger.take(50).await.unwrap();
    assert_eq!(budget.held(), 200);
    drop(younger);
    assert_eq!(waiting.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn data_sources_take_turns() {
    let budget = budget(100);
    let mut all = budget.allow(budget.lane(), soon()).hold();
    all.take(100).await.unwrap();
    let (busy, quiet) = (budget.lane(), budget.lane());
    let [mut first, mut second, mut third] = [busy, busy, quiet].map(|lane| {
        let mut hold = budget.allow(lane, soon()).hold();
        Box::pin(async move { hold.take(100).await.map(|()| hold) })
    });
    for take in [&mut first, &mut second, &mut third] {
        assert!(waits(take).await);
    }
    drop(all);
    let held = first.await.unwrap();
    assert!(waits(&mut second).await && waits(&mut third).await);
    drop(held);
    let held = third.await.unwrap();
    assert!(waits(&mut second).await);
    drop(held);
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_data_source_has_an_end() {
    let budget = budget(100);
    let mut all = budget.allow(budget.lane(), soon()).hold();
    all.take(100).await.unwrap();
    let lane = budget.lane();
    let mut holds = [(); 3].map(|()| budget.allow(lane, soon()).hold());
    let [first, second, third] = &mut holds;
    let (mut first, mut second) = (Box::pin(first.take(1)), Box::pin(second.take(1)));
    assert!(waits(&mut first).await && waits(&mut second).await);
    assert_eq!(third.take(1).await, Err(NoMemory::Queue(2)));
    let mut other = budget.allow(budget.lane(), soon()).hold();
    assert_eq!(other.take(1).await, Err(NoMemory::InTime(100)), "another may still wait");
    drop(first);
    let [_first, _second, third] = [(); 3].map(|()| budget.allow(lane, soon()).hold());
    let mut third = third;
    assert!(waits(&mut Box::pin(third.take(1))).await, "a place was given up");
}

#[tokio::test(start_paused = true)]
async fn who_needs_more_than_there_is_has_it_alone() {
    let budget = budget(100);
    let mut small = budget.allow(budget.lane(), soon()).hold();
    small.take(1).await.unwrap();
    let mut large = budget.allow(budget.lane(), soon()).hold();
    let mut take = Box::pin(large.take(500));
    assert!(waits(&mut take).await);
    drop(small);
    assert_eq!(take.await, Ok(()));
    assert_eq!(large.query.budget.held(), 500);
}
