//! Data sources that this build leaves out still answer to their names, so that whoever selects one learns what to do.

#[cfg(not(feature = "etcd"))]
mod etcd {
    use async_trait::async_trait;
    use mcp_common::{
        datasource as register,
        datasource::DataSource,
        plugin::{DataSourceFactory, PluginError, Settings},
    };
    use std::sync::Arc;

    #[derive(Default)]
    struct Etcd;

    #[register("etcd")]
    #[async_trait]
    impl DataSourceFactory for Etcd {
        fn check(&self, _: &Settings) -> Vec<PluginError> {
            vec![absent()]
        }

        async fn open(&self, _: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
            Err(absent())
        }
    }

    fn absent() -> PluginError {
        PluginError::Setting {
            key: "app.data_source".to_owned(),
            reason: "this build has no `etcd`: build with the feature `etcd`, which is a default".to_owned(),
        }
    }
}
