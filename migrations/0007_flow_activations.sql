-- Which version of a flow answers calls, and which ones did before: the one with the highest `n` counts.
CREATE TABLE flow_activations (
    org_id TEXT NOT NULL,
    flow_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (org_id, flow_id, n)
);

INSERT INTO flow_activations (org_id, flow_id, n, version, at)
SELECT org_id, flow_id, 1, MAX(version), MAX(created_at) FROM flow_versions GROUP BY org_id, flow_id;

-- What the flow's scripted calls came to when it was kept, as JSON; empty where there are none.
ALTER TABLE flow_versions ADD COLUMN tests TEXT NOT NULL DEFAULT '';
