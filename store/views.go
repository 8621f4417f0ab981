package store

import (
	"context"
	"fmt"

	"stepca/kv"
)

// DefineViews creates views for people who query the database with SQL; engines
// without SQL have none, and nothing happens.
func (s *Store) DefineViews(ctx context.Context) error {
	if e, ok := s.engine.Engine.(kv.Relational); ok {
		if err := e.DefineViews(ctx, relations...); err != nil {
			return fmt.Errorf("views of the records: %w", err)
		}
	}
	if e, ok := s.engine.Engine.(kv.SQLViewer); ok {
		if err := e.DefineSQLViews(ctx, compatibleViews...); err != nil {
			return fmt.Errorf("views of the tables of the reference: %w", err)
		}
	}
	return nil
}

// column is a column named for the one member that it shows.
func column(name string, path ...string) kv.Column { return kv.Column{Name: name, Path: path} }

// relations are the views of our own.
var relations = []kv.Relation{
	{Name: "certificates", Bucket: bucketCertificates, Columns: []kv.Column{
		column("serial", "serial"), column("issuer", "issuer"),
		column("provisioner", "provisioner", "name"), column("provisioner_type", "provisioner", "type"),
		column("operation", "operation"), column("not_before", "notBefore"), column("not_after", "notAfter"),
		column("issued_at", "issuedAt"), column("names", "names"),
		column("renewed_from", "renewedFrom"), column("request_id", "requestId"),
	}},
	{Name: "revocations", Bucket: bucketRevocations, Columns: revocationColumns},
	{Name: "ssh_certificates", Bucket: bucketSSH, Columns: []kv.Column{
		column("serial", "serial"), column("type", "type"), column("key_id", "keyId"), column("principals", "principals"),
		column("provisioner", "provisioner", "name"), column("provisioner_type", "provisioner", "type"),
		column("operation", "operation"), column("valid_after", "validAfter"), column("valid_before", "validBefore"),
		column("issued_at", "issuedAt"), column("renewed_from", "renewedFrom"), column("request_id", "requestId"),
	}},
	{Name: "ssh_revocations", Bucket: bucketSSHRevocations, Columns: revocationColumns},
	{Name: "refusals", Bucket: bucketRefusals, Columns: []kv.Column{
		column("time", "time"), column("operation", "operation"),
		column("provisioner", "provisioner", "name"), column("provisioner_type", "provisioner", "type"),
		column("subject", "subject"), column("names", "names"), column("step", "step"), column("reason", "reason"),
		column("request_id", "requestId"), column("remote_addr", "remoteAddr"),
	}},
	{Name: "intents", Bucket: bucketIntents, Columns: []kv.Column{
		column("serial", "serial"), column("issuer", "issuer"), column("provisioner", "provisioner", "name"),
		column("operation", "operation"), column("opened_at", "openedAt"), column("request_id", "requestId"),
	}},
}

var revocationColumns = []kv.Column{
	column("serial", "serial"), column("issuer", "issuer"),
	column("provisioner", "provisioner", "name"), column("provisioner_type", "provisioner", "type"),
	column("reason_code", "reasonCode"), column("reason", "reason"), column("revoked_at", "revokedAt"),
	column("expires_at", "expiresAt"), column("evidence", "by"), column("token_id", "tokenId"),
}

// compatibleViews have the names and contents of tables that the reference
// keeps, which people read: nkey is the decimal serial number, nvalue the
// certificate in DER, or the JSON that the reference writes.
var compatibleViews = []kv.SQLView{
	{
		Name: "x509_certs",
		PostgreSQL: `SELECT convert_to(r->>'serial', 'UTF8') AS nkey, decode(r->>'der', 'base64') AS nvalue
			FROM (SELECT convert_from(value, 'UTF8')::jsonb AS r FROM stepca_records WHERE bucket = 'cert') AS c`,
		MySQL: `SELECT CAST(JSON_UNQUOTE(JSON_EXTRACT(v, '$.serial')) AS BINARY) AS nkey,
			FROM_BASE64(JSON_UNQUOTE(JSON_EXTRACT(v, '$.der'))) AS nvalue
			FROM (SELECT CONVERT(value USING utf8mb4) AS v FROM stepca_records WHERE bucket = 'cert') AS c`,
	},
	{
		Name: "x509_certs_data",
		PostgreSQL: `SELECT convert_to(r->>'serial', 'UTF8') AS nkey, convert_to(jsonb_strip_nulls(
				jsonb_build_object('provisioner', r->'provisioner', 'ra', r->'ra'))::text, 'UTF8') AS nvalue
			FROM (SELECT convert_from(value, 'UTF8')::jsonb AS r FROM stepca_records WHERE bucket = 'cert') AS c`,
		MySQL: `SELECT CAST(JSON_UNQUOTE(JSON_EXTRACT(v, '$.serial')) AS BINARY) AS nkey, CAST(JSON_MERGE_PATCH('{}',
				JSON_OBJECT('provisioner', JSON_EXTRACT(v, '$.provisioner'), 'ra', JSON_EXTRACT(v, '$.ra'))) AS BINARY) AS nvalue
			FROM (SELECT CONVERT(value USING utf8mb4) AS v FROM stepca_records WHERE bucket = 'cert') AS c`,
	},
	{
		Name: "revoked_x509_certs",
		PostgreSQL: `SELECT convert_to(r->>'serial', 'UTF8') AS nkey, convert_to(jsonb_build_object(
				'Serial', r->'serial', 'ProvisionerID', coalesce(r#>>'{provisioner,id}', ''),
				'ReasonCode', r->'reasonCode', 'Reason', coalesce(r->>'reason', ''),
				'RevokedAt', r->'revokedAt', 'ExpiresAt', coalesce(r->>'expiresAt', '0001-01-01T00:00:00Z'),
				'TokenID', coalesce(r->>'tokenId', ''), 'MTLS', r->>'by' = 'mtls', 'ACME', r->>'by' = 'acme')::text, 'UTF8') AS nvalue
			FROM (SELECT convert_from(value, 'UTF8')::jsonb AS r FROM stepca_records WHERE bucket = 'revoked') AS c`,
		MySQL: `SELECT CAST(JSON_UNQUOTE(JSON_EXTRACT(v, '$.serial')) AS BINARY) AS nkey, CAST(JSON_OBJECT(
				'Serial', JSON_UNQUOTE(JSON_EXTRACT(v, '$.serial')),
				'ProvisionerID', COALESCE(JSON_UNQUOTE(JSON_EXTRACT(v, '$.provisioner.id')), ''),
				'ReasonCode', JSON_EXTRACT(v, '$.reasonCode'), 'Reason', COALESCE(JSON_UNQUOTE(JSON_EXTRACT(v, '$.reason')), ''),
				'RevokedAt', JSON_UNQUOTE(JSON_EXTRACT(v, '$.revokedAt')),
				'ExpiresAt', COALESCE(JSON_UNQUOTE(JSON_EXTRACT(v, '$.expiresAt')), '0001-01-01T00:00:00Z'),
				'TokenID', COALESCE(JSON_UNQUOTE(JSON_EXTRACT(v, '$.tokenId')), ''),
				'MTLS', JSON_EXTRACT(IF(JSON_UNQUOTE(JSON_EXTRACT(v, '$.by')) = 'mtls', 'true', 'false'), '$'),
				'ACME', JSON_EXTRACT(IF(JSON_UNQUOTE(JSON_EXTRACT(v, '$.by')) = 'acme', 'true', 'false'), '$')) AS BINARY) AS nvalue
			FROM (SELECT CONVERT(value USING utf8mb4) AS v FROM stepca_records WHERE bucket = 'revoked') AS c`,
	},
}
