//! Who has an acknowledged alert in hand, when that changes without anybody being told anew.

use sqlx::AnyConnection;

use super::{
    codec,
    error::StoreError,
    wake::{Topic, touch},
};
use crate::model::{
    Instant,
    alert::Actor,
    id::{AlertId, OrgId},
};

/// It is `by`'s from now on. `false`: it is not `from`'s any more, or not acknowledged.
pub async fn hand_over(
    db: &mut AnyConnection,
    org: &OrgId,
    id: &AlertId,
    from: &Actor,
    by: &Actor,
    at: Instant,
) -> Result<bool, StoreError> {
    let handed = sqlx::query(
        "UPDATE alerts SET acknowledged_by = $4, acknowledged_at = $5, rev = rev + 1 \
         WHERE org_id = $1 AND id = $2 AND state = 'acknowledged' AND acknowledged_by = $3",
    )
    .bind(org.as_str())
    .bind(id.as_str())
    .bind(from.to_string())
    .bind(by.to_string())
    .bind(codec::millis(at))
    .execute(db)
    .await?;
    touch(Topic::Events);
    Ok(handed.rows_affected() == 1)
}
