//! Three gateways on one store, for each data source that can be shared.

mod fixture;
mod load;
mod revision;
mod rolling;
mod visible;

/// The same tests for each of them.
macro_rules! on {
    ($($source:ident),*) => {$(
        mod $source {
            use anyhow::Result;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_write_on_one_is_visible_on_all() -> Result<()> {
                crate::visible::a_write_on_one_is_visible_on_all(stringify!($source)).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn list_changed_reaches_clients_of_any() -> Result<()> {
                crate::visible::list_changed_reaches_clients_of_any(stringify!($source)).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_rolling_restart_loses_nothing() -> Result<()> {
                crate::rolling::a_rolling_restart_loses_nothing(stringify!($source)).await
            }
        }
    )*};
}

on!(sqlite, etcd, mysql, postgres);
