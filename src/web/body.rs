//! Reading a request's body, up to a limit.

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    #[error("the body is longer than {max} bytes")]
    TooLong { max: usize },
    #[error("the body broke off")]
    Broken,
}

/// The whole body. One that announces its length is refused before it is read.
pub async fn read(body: Body, max: usize) -> Result<Bytes, BodyError> {
    let too_long = BodyError::TooLong { max };
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > max) {
        return Err(too_long);
    }
    to_bytes(body, max).await.map_err(|error| {
        let at_limit = std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("limit"));
        if at_limit { too_long } else { BodyError::Broken }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(read(Body::from("123456"), 5).await, Err(BodyError::TooLong { max: 5 }));
        let chunks = ["123", "456"].map(Ok::<_, std::io::Error>);
        let unannounced = Body::from_stream(futures::stream::iter(chunks));
        assert_eq!(read(unannounced, 5).await, Err(BodyError::TooLong { max: 5 }));
        let broken = Body::from_stream(futures::stream::iter([Err::<&str, _>(std::io::Error::other("gone"))]));
        assert_eq!(read(broken, 5).await, Err(BodyError::Broken));
    }
}
