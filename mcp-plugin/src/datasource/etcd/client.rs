//! One connection's calls: the methods of etcd's API that are needed here.

use super::api::{
    AuthenticateRequest, AuthenticateResponse, DeleteRangeRequest, Done, LeaseGrantRequest,
    LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseRevokeRequest, PutRequest,
    RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchCreateRequest, WatchRequest, WatchResponse,
};
use futures_util::{StreamExt, stream};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tonic_prost::ProstCodec;

/// Bytes that an answer may have; a larger page is asked for in parts.
const ANSWER_BYTES: usize = 64 << 20;

/// Calls over a connection that is made by the first of them, and anew where it broke.
#[derive(Clone)]
pub(super) struct Client {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl Client {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, token: None }
    }

    /// Logs in: from now on calls are made as this user.
    pub(super) async fn log_in(&mut self, name: &str, password: &str) -> Result<(), Status> {
        let request = AuthenticateRequest {
            name: name.to_owned(),
            password: password.to_owned(),
        };
        let path = PathAndQuery::from_static("/etcdserverpb.Auth/Authenticate");
        let answer: AuthenticateResponse = self.unary(path, request).await?;
        let token = answer.token.parse();
        self.token = Some(token.map_err(|_| Status::internal("the token is no header value"))?);
        Ok(())
    }

    pub(super) async fn range(&self, request: RangeRequest) -> Result<RangeResponse, Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Range");
        self.unary(path, request).await
    }

    pub(super) async fn put(&self, request: PutRequest) -> Result<Done, Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Put");
        self.unary(path, request).await
    }

    pub(super) async fn delete(&self, request: DeleteRangeRequest) -> Result<Done, Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.KV/DeleteRange");
        self.unary(path, request).await
    }

    pub(super) async fn txn(&self, request: TxnRequest) -> Result<TxnResponse, Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Txn");
        self.unary(path, request).await
    }

    pub(super) async fn grant(&self, request: LeaseGrantRequest) -> Result<LeaseGrantResponse, Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseGrant");
        self.unary(path, request).await
    }

    /// The seconds that the lease has from now on; 0 where there is none.
    pub(super) async fn keep_alive(&self, id: i64) -> Result<i64, Status> {
        let requests = stream::iter([LeaseKeepAliveRequest { id }]).chain(stream::pending());
        let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseKeepAlive");
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES);
        ready(&mut grpc).await?;
        let answers = grpc.streaming(self.request(requests), path, ProstCodec::default());
        let mut answers: Streaming<LeaseKeepAliveResponse> = answers.await?.into_inner();
        let answer = answers.message().await?;
        Ok(answer.map_or(0, |answer| answer.ttl))
    }

    /// Ends a lease; one that there is not, too.
    pub(super) async fn revoke(&self, id: i64) -> Result<(), Status> {
        let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseRevoke");
        let revoked: Result<Done, Status> = self.unary(path, LeaseRevokeRequest { id }).await;
        match revoked {
            Err(status) if status.code() == Code::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// The watch ends when its answers are dropped. Its messages have no bound: one holds a whole revision, or
    /// fragments of the size that the server chose.
    pub(super) async fn watch(&self, create: WatchCreateRequest) -> Result<Streaming<WatchResponse>, Status> {
        let request = WatchRequest {
            create_request: Some(create),
        };
        // A client that ends its side ends the watch.
        let requests = stream::iter([request]).chain(stream::pending());
        let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        ready(&mut grpc).await?;
        let answers = grpc.streaming(self.request(requests), path, ProstCodec::default());
        Ok(answers.await?.into_inner())
    }

    async fn unary<Q, A>(&self, path: PathAndQuery, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES);
        ready(&mut grpc).await?;
        let answer = grpc.unary(self.request(request), path, ProstCodec::default());
        Ok(answer.await?.into_inner())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        // A member that lost its cluster must say so instead of having no news.
        metadata.insert("hasleader", MetadataValue::from_static("true"));
        if let Some(token) = &self.token {
            metadata.insert("token", token.clone());
        }
        request
    }
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    let ready = grpc.ready().await;
    ready.map_err(|error| Status::from_error(error.into()))
}
