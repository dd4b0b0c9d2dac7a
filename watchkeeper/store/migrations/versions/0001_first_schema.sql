CREATE TABLE incidents (
    id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind                   text NOT NULL,
    severity               text NOT NULL,
    status                 text NOT NULL DEFAULT 'detected',
    service                text NOT NULL,
    summary                text NOT NULL,
    source                 text NOT NULL,
    users_affected_percent double precision,
    started_at             timestamptz NOT NULL,
    detected_at            timestamptz NOT NULL,
    acknowledged_at        timestamptz,
    acknowledged_by        text,
    -- Since when whoever has it now does: somebody may have taken it over.
    held_since             timestamptz,
    identified_at          timestamptz,
    -- Since when it is watched whether the last cure holds, or whether a vendor that is waited for recovers.
    mitigated_at           timestamptz,
    watched_since          timestamptz,
    -- When it no longer hurt, known once it is over: since when all that proves it was green, else when a person closed it.
    recovered_at           timestamptz,
    -- Whether readings proved that it is over; else a person said so.
    proved                 boolean NOT NULL DEFAULT false,
    resolved_at            timestamptz,
    cause                  text,
    cause_confidence       double precision,
    waiting_for            text,
    handed_over_at         timestamptz,
    attempt                integer NOT NULL DEFAULT 1,
    round                  integer NOT NULL DEFAULT 1,
    flow_run_id            text,
    lease_holder           text,
    lease_until            timestamptz,
    -- The policy an incident started under is kept with it; editing the file changes the next incident.
    policy                 jsonb NOT NULL
);
CREATE INDEX incidents_open ON incidents (id) WHERE status NOT IN ('resolved', 'reviewed');

CREATE TABLE alerts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    fingerprint text NOT NULL,
    delivery_id text,
    firing      boolean NOT NULL,
    service     text NOT NULL,
    kind        text NOT NULL,
    summary     text NOT NULL,
    started_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    payload     jsonb NOT NULL,
    incident_id bigint REFERENCES incidents,
    decision    text,
    -- What the decision was made on: the severity and its reason, what held it back.
    detail      jsonb NOT NULL DEFAULT '{}'
);
-- A delivery that the sender repeats is one alert.
CREATE UNIQUE INDEX alerts_delivery ON alerts (source, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX alerts_incident ON alerts (incident_id, received_at);
CREATE INDEX alerts_proofs ON alerts (received_at) WHERE source = 'proof';

-- Which fingerprints belong to which open incident; emptied when the incident is resolved.
CREATE TABLE open_fingerprints (
    fingerprint    text PRIMARY KEY,
    incident_id    bigint NOT NULL REFERENCES incidents,
    source         text NOT NULL,
    firing         boolean NOT NULL DEFAULT true,
    -- When it lately fired or went quiet; so many changes that it flaps keep its incident open until then.
    changes        timestamptz[] NOT NULL DEFAULT '{}',
    flapping_until timestamptz
);
CREATE INDEX open_fingerprints_incident ON open_fingerprints (incident_id);

-- Proofs that a page can leave: a synthetic alert, once in each period, on its way to an answered test page.
CREATE TABLE proofs (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period          timestamptz NOT NULL UNIQUE,
    started_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    told_at         timestamptz,
    error           text
);

-- What the intake refused: nothing of it pages, all of it is counted.
CREATE TABLE refusals (
    source  text NOT NULL,
    reason  text NOT NULL,
    count   bigint NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (source, reason)
);

CREATE TABLE notifications (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL UNIQUE,
    incident_id  bigint REFERENCES incidents,
    purpose      text NOT NULL,
    recipient    text NOT NULL,
    channel      text NOT NULL,
    fallback     text[] NOT NULL DEFAULT '{}',
    message      jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'pending',
    attempts     integer NOT NULL DEFAULT 0,
    priority     integer NOT NULL DEFAULT 5,
    due_at       timestamptz NOT NULL,
    lease_until  timestamptz,
    -- Nobody needs it any more: whoever is sending it may finish, and nobody sends it again.
    called_off   boolean NOT NULL DEFAULT false,
    -- The throttle let it go: the next one counts it, whether or not the vendor has answered.
    let_go       boolean NOT NULL DEFAULT false,
    vendor_id    text,
    thread       text,
    sent_at      timestamptz,
    delivered_at timestamptz,
    error        text,
    created_at   timestamptz NOT NULL
);
CREATE INDEX notifications_due ON notifications (priority, due_at) WHERE state IN ('pending', 'sending');
CREATE INDEX notifications_incident ON notifications (incident_id);
CREATE INDEX notifications_recent ON notifications (recipient, channel, sent_at);
CREATE INDEX notifications_proofs ON notifications (created_at) WHERE purpose = 'proof';

CREATE TABLE deadlines (
    incident_id bigint NOT NULL REFERENCES incidents,
    kind        text NOT NULL,
    number      integer NOT NULL,
    due_at      timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'pending',
    met_at      timestamptz,
    flow_run_id text,
    PRIMARY KEY (incident_id, kind, number)
);
CREATE INDEX deadlines_due ON deadlines (due_at) WHERE state = 'pending';

CREATE TABLE timeline (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    actor       text NOT NULL,
    text        text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    key         text,
    UNIQUE (incident_id, key)
);
CREATE INDEX timeline_incident ON timeline (incident_id, at, id);

CREATE TABLE findings (
    incident_id bigint NOT NULL REFERENCES incidents,
    round       integer NOT NULL,
    cause       text NOT NULL,
    rank        integer NOT NULL,
    finding     jsonb NOT NULL,
    PRIMARY KEY (incident_id, round, cause)
);

-- What a response has finished, so that another run goes on from there.
CREATE TABLE steps (
    incident_id bigint NOT NULL REFERENCES incidents,
    round       integer NOT NULL,
    name        text NOT NULL,
    at          timestamptz NOT NULL,
    result      jsonb NOT NULL,
    PRIMARY KEY (incident_id, round, name)
);

CREATE TABLE readings (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint REFERENCES incidents,
    probe       text NOT NULL,
    service     text NOT NULL,
    value       double precision,
    unit        text NOT NULL,
    threshold   double precision,
    ok          boolean NOT NULL,
    observed_at timestamptz NOT NULL,
    detail      text NOT NULL DEFAULT '',
    unread      boolean NOT NULL DEFAULT false
);
CREATE INDEX readings_incident ON readings (incident_id, observed_at);

CREATE TABLE remediations (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id     bigint NOT NULL REFERENCES incidents,
    round           integer NOT NULL,
    step            integer NOT NULL,
    attempt         integer NOT NULL,
    action          text NOT NULL,
    target          text NOT NULL,
    plan            jsonb NOT NULL,
    plan_digest     text NOT NULL,
    gate            text NOT NULL,
    gate_reason     text NOT NULL,
    state           text NOT NULL DEFAULT 'planned',
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    decided_at      timestamptz,
    approved_by     text,
    approval_reason text,
    claimed_at      timestamptz,
    claimed_by      text,
    finished_at     timestamptz,
    outcome         text,
    -- The step too: to promote one deployment is what takes back that another was promoted.
    UNIQUE (incident_id, action, target, attempt, step)
);

-- What a signed link allows. The signature is never stored.
CREATE TABLE links (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose        text NOT NULL,
    incident_id    bigint NOT NULL REFERENCES incidents,
    person         text NOT NULL,
    remediation_id bigint REFERENCES remediations,
    plan_digest    text,
    -- The row that it is about: a promised update, or a mail to customers.
    about          bigint,
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz
);

-- Who answers by text or by a button is waited for.
CREATE INDEX links_person ON links (person, purpose, id);

-- What customers were told on the status page, in order; both kinds of page are made from these rows.
CREATE TABLE status_posts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    key         text NOT NULL,
    at          timestamptz NOT NULL,
    status      text NOT NULL,
    title       text NOT NULL,
    body        text NOT NULL,
    UNIQUE (incident_id, key)
);
CREATE INDEX status_posts_incident ON status_posts (incident_id, id);
-- What people answered, by whichever way: one row each. A delivery that a vendor repeats is one answer.
CREATE TABLE answers (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    way            text NOT NULL,
    delivery_id    text,
    person         text NOT NULL,
    verb           text,
    incident_id    bigint REFERENCES incidents,
    remediation_id bigint REFERENCES remediations,
    outcome        text NOT NULL,
    at             timestamptz NOT NULL
);
CREATE UNIQUE INDEX answers_delivery ON answers (way, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX answers_incident ON answers (incident_id, verb, id);
CREATE INDEX answers_person ON answers (person, at);

-- Each promised update: when it was due, the draft that somebody was sent, and the message that kept it.
CREATE TABLE promises (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id      bigint NOT NULL REFERENCES incidents,
    number           integer NOT NULL,
    due_at           timestamptz NOT NULL,
    draft            text,
    kept_by          text,
    notification_key text,
    UNIQUE (incident_id, number)
);

-- Mail to customers: a text for an incident and a purpose, which a person approves; whom it is for, each address once;
-- and the batches in which it leaves, each claimed before it is sent.
CREATE TABLE mailings (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    purpose     text NOT NULL,
    subject     text NOT NULL,
    text        text NOT NULL,
    html        text NOT NULL,
    digest      text NOT NULL,
    state       text NOT NULL DEFAULT 'proposed',
    created_at  timestamptz NOT NULL,
    decided_at  timestamptz,
    decided_by  text,
    reminded_at timestamptz,
    addresses   integer,
    unusable    integer NOT NULL DEFAULT 0,
    note        text,
    due_at      timestamptz NOT NULL,
    UNIQUE (incident_id, purpose)
);
CREATE TABLE mailing_batches (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailing_id  bigint NOT NULL REFERENCES mailings,
    state       text NOT NULL DEFAULT 'claimed',
    size        integer NOT NULL DEFAULT 0,
    claimed_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    settled_at  timestamptz,
    settled_by  text,
    asked_at    timestamptz,
    note        text
);
CREATE INDEX mailing_batches_unsettled ON mailing_batches (id) WHERE state IN ('claimed', 'doubtful');
CREATE TABLE mailing_addresses (
    mailing_id bigint NOT NULL REFERENCES mailings,
    address    text NOT NULL,
    state      text NOT NULL DEFAULT 'waiting',
    batch_id   bigint REFERENCES mailing_batches ON DELETE SET NULL,
    -- In portions of at most so many: SendGrid refused a larger one that held this address.
    at_most    integer,
    note       text,
    PRIMARY KEY (mailing_id, address)
);
CREATE INDEX mailing_addresses_waiting ON mailing_addresses (mailing_id, at_most, address) WHERE state = 'waiting';
CREATE INDEX mailing_addresses_batch ON mailing_addresses (batch_id);

-- What Prefect is still to be asked: to start, resume, schedule or cancel a run.
CREATE TABLE motor_jobs (
    key         text PRIMARY KEY,
    -- None for what belongs to the calendar and to no incident.
    incident_id bigint REFERENCES incidents,
    verb        text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}',
    state       text NOT NULL DEFAULT 'pending',
    attempts    integer NOT NULL DEFAULT 0,
    asked_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    error       text
);
CREATE INDEX motor_jobs_due ON motor_jobs (due_at) WHERE state = 'pending';

-- Post-mortems: when each is due, how far it has come, and what it promised.
CREATE TABLE reviews (
    incident_id    bigint PRIMARY KEY REFERENCES incidents,
    reasons        text[] NOT NULL DEFAULT '{}',
    due_at         timestamptz NOT NULL,
    author         text NOT NULL,
    asks           integer NOT NULL DEFAULT 1,
    asked_at       timestamptz NOT NULL,
    draft          text,
    draft_path     text,
    drafted_at     timestamptz,
    -- When people meet over it; the number rises with each invitation that replaces another.
    meeting_at     timestamptz,
    meetings       integer NOT NULL DEFAULT 0,
    waived_at      timestamptz,
    waived_by      text,
    waived_because text,
    published_at   timestamptz,
    published_by   text,
    -- Its name among the team's documents, claimed before it is written there.
    file_name      text UNIQUE,
    -- Where the team reads it: a file in its folder, or a pull request.
    published_to   text
);

-- Each look of the clocks asks for drafts that have not come.
CREATE INDEX reviews_undrafted ON reviews (asked_at)
    WHERE drafted_at IS NULL AND published_at IS NULL AND waived_at IS NULL;

-- What a published post-mortem promises: who does what by which day. The number is its place in the document.
CREATE TABLE action_items (
    incident_id bigint NOT NULL REFERENCES incidents,
    number      integer NOT NULL,
    action      text NOT NULL,
    owner       text NOT NULL,
    handle      text,
    due_on      date NOT NULL,
    due_at      timestamptz NOT NULL,
    priority    text NOT NULL,
    state       text NOT NULL DEFAULT 'open',
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    closed_by   text,
    -- Its mirror at GitHub; whoever holds the lease is making it.
    issue       integer,
    issue_url   text,
    issue_lease timestamptz,
    issue_ended timestamptz,
    PRIMARY KEY (incident_id, number)
);
CREATE INDEX action_items_open ON action_items (due_at) WHERE state = 'open';
CREATE INDEX action_items_issues ON action_items (closed_at)
    WHERE state <> 'open' AND issue IS NOT NULL AND issue_ended IS NULL;

-- What customers complained of; the same words twice are one complaint.
CREATE TABLE complaints (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    at          timestamptz NOT NULL,
    noted_by    text NOT NULL,
    words       text NOT NULL,
    UNIQUE (incident_id, words)
);

-- Figures. Whoever keeps the incident log hears of every change that it shows, whichever process made it.
CREATE FUNCTION tell_incident_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('incident_log', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER incident_log
    AFTER INSERT OR UPDATE OF severity, summary, started_at, resolved_at, cause, cause_confidence ON incidents
    FOR EACH STATEMENT EXECUTE FUNCTION tell_incident_log();
CREATE TRIGGER incident_log
    AFTER INSERT OR UPDATE OF due_at, draft_path, published_at, waived_at ON reviews
    FOR EACH STATEMENT EXECUTE FUNCTION tell_incident_log();
-- What is asked of past incidents: of a kind and severity, of a cause, of a time. None of it reads them all.
CREATE INDEX incidents_similar ON incidents (kind, severity, id) WHERE resolved_at IS NOT NULL;
CREATE INDEX incidents_cause ON incidents (cause, id) WHERE cause IS NOT NULL;
CREATE INDEX incidents_detected ON incidents (detected_at);
CREATE INDEX incidents_ended ON incidents (resolved_at);
-- What a month's report counts.
CREATE INDEX deadlines_acknowledge ON deadlines (due_at) WHERE kind = 'acknowledge' AND number = 1;
CREATE INDEX promises_due ON promises (due_at);
CREATE INDEX remediations_claimed ON remediations (claimed_at);
CREATE INDEX reviews_due ON reviews (due_at);

-- The fingerprints that an incident had, kept when it ends.
CREATE TABLE past_fingerprints (
    fingerprint text NOT NULL,
    incident_id bigint NOT NULL REFERENCES incidents,
    PRIMARY KEY (fingerprint, incident_id)
);

-- Which incident repeats which earlier one: the sign is the same alert, or the same cause as found.
CREATE TABLE repeats (
    incident_id bigint NOT NULL REFERENCES incidents,
    sign        text NOT NULL,
    earlier_id  bigint NOT NULL REFERENCES incidents,
    cause       text NOT NULL,
    linked_at   timestamptz NOT NULL,
    PRIMARY KEY (incident_id, sign)
);

-- What was said of an incident's time to resolution, at triage and once its cause was known; seconds.
CREATE TABLE estimates (
    incident_id bigint NOT NULL REFERENCES incidents,
    stage       text NOT NULL,
    said_at     timestamptz NOT NULL,
    n           integer NOT NULL,
    median      double precision,
    low50       double precision,
    high50      double precision,
    low80       double precision,
    high80      double precision,
    PRIMARY KEY (incident_id, stage)
);

-- Work that could not be done so far, of whichever sort: it keeps nothing else waiting, and is tried again later.
CREATE TABLE set_aside (
    work     text NOT NULL,
    key      text NOT NULL,
    times    integer NOT NULL DEFAULT 1,
    error    text NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    try_at   timestamptz NOT NULL,
    PRIMARY KEY (work, key)
);

-- Who is on call otherwise than the policy plans it: kind is primary, secondary or unreachable. An incident keeps the
-- policy that it started under; what is said here counts at once for those under way, too.
CREATE TABLE roster_changes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    person       text NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (starts_at < ends_at),
    reason       text NOT NULL DEFAULT '',
    said_by      text NOT NULL,
    said_at      timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX roster_changes_in_force ON roster_changes (ends_at) WHERE withdrawn_at IS NULL;

-- What the calendar brings and no incident: at most one row of a kind is still to be done.
CREATE TABLE occasions (
    kind        text NOT NULL,
    due_at      timestamptz NOT NULL,
    done_at     timestamptz,
    -- The scheduled run that shows it in the Prefect UI.
    flow_run_id text,
    PRIMARY KEY (kind, due_at)
);
CREATE UNIQUE INDEX occasions_pending ON occasions (kind) WHERE done_at IS NULL;

-- What is expected to fire and is to page nobody for a time, and who said so why. It must name something.
CREATE TABLE silences (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sort        text NOT NULL,
    service     text,
    kind        text,
    source      text,
    fingerprint text,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (starts_at < ends_at),
    person      text NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CHECK (num_nonnulls(service, kind, source, fingerprint) > 0)
);
CREATE INDEX silences_in_force ON silences (ends_at) WHERE ended_at IS NULL;

-- Alerts that a silence held back and that have not ended: each is admitted when its silence is over.
CREATE TABLE held_alerts (
    fingerprint text PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alerts,
    alert       jsonb NOT NULL,
    silence_id  bigint REFERENCES silences,
    held_by     text NOT NULL,
    held_at     timestamptz NOT NULL,
    release_at  timestamptz NOT NULL
);
CREATE INDEX held_alerts_due ON held_alerts (release_at);

-- "Was this worth waking you?": asked once of each person whom a page of an incident reached. The link's signature is
-- not stored.
CREATE TABLE worth (
    incident_id bigint NOT NULL REFERENCES incidents,
    person      text NOT NULL,
    link        text NOT NULL,
    asked_at    timestamptz NOT NULL,
    answered_at timestamptz,
    worth       boolean,
    PRIMARY KEY (incident_id, person)
);

-- The night policy. A signature is one person's word, given through a link of their own, on one cure and on exactly the
-- terms that were shown (their digest). It counts from signed_at until ends_at, unless it was taken back.
CREATE TABLE night_signatures (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person       text NOT NULL,
    cause        text NOT NULL,
    terms        text NOT NULL,
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    sign_by      timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    signed_at    timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by text
);
CREATE INDEX night_signatures_in_force ON night_signatures (ends_at) WHERE signed_at IS NOT NULL AND withdrawn_at IS NULL;
-- The first page of an incident that waits while a signed cure is at work, in the night that began on this day. Its
-- deadline wakes the person by itself; woken_at is set by exactly one who wakes them.
CREATE TABLE night_holds (
    incident_id   bigint PRIMARY KEY REFERENCES incidents,
    night         date NOT NULL,
    person        text NOT NULL,
    cures         text[] NOT NULL,
    held_at       timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    latest        timestamptz NOT NULL,
    woken_at      timestamptz,
    woken_because text
);
CREATE INDEX night_holds_night ON night_holds (night);
-- Each change that was made in somebody's sleep takes one number of its night's budget; no number is there twice.
CREATE TABLE night_budget (
    night        date NOT NULL,
    number       integer NOT NULL,
    incident_id  bigint NOT NULL REFERENCES incidents,
    action       text NOT NULL,
    target       text NOT NULL,
    attempt      integer NOT NULL,
    signature_id bigint NOT NULL REFERENCES night_signatures,
    taken_at     timestamptz NOT NULL,
    PRIMARY KEY (night, number),
    UNIQUE (incident_id, action, target, attempt)
);
