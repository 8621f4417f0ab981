package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Error numbers of the server (MySQL 8.0 Error Message Reference).
const (
	myUnknownDatabase  = 1049
	myTableExists      = 1050
	myDuplicateEntry   = 1062
	myServerShutdown   = 1053
	myLockWaitTimeout  = 1205
	myDeadlock         = 1213
	myRecordChanged    = 1020 // MariaDB, with innodb_snapshot_isolation
	myUnknownCommand   = 1047 // Galera: this node is not ready
	myTooManyConns     = 1040
	myConnectionKilled = 1927 // MariaDB
)

// OpenMySQL opens the store in a MySQL or MariaDB database, creating the
// database and its tables if they are missing. kv.ErrForeign if it holds the
// tables of another CA.
func OpenMySQL(ctx context.Context, opts Options) (*Engine, error) {
	opts.setDefaults()
	config, err := mysql.ParseDSN(opts.DSN)
	if err != nil {
		return nil, fmt.Errorf("dataSource of the MySQL database: %w", err)
	}
	if opts.Database != "" {
		config.DBName = opts.Database
	}
	if config.DBName == "" {
		return nil, errors.New("no MySQL database is named: set database, or put it into dataSource after the slash")
	}
	config.InterpolateParams = true // one round trip a statement instead of three
	config.Logger = &mysql.NopLogger{}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.ReadTimeout == 0 {
		config.ReadTimeout = 2 * opts.Timeout
	}
	if config.WriteTimeout == 0 {
		config.WriteTimeout = 2 * opts.Timeout
	}
	multiMaster, err := ensureMySQL(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to MySQL at %s: %w", config.Addr, err)
	}
	connector, err := newMyConnector(config, opts, multiMaster)
	if err != nil {
		return nil, err
	}
	return open(ctx, sql.OpenDB(connector), mySQL{multiMaster}, opts)
}

// ensureMySQL creates the database if connecting says that it is missing, and
// asks whether other servers may write to copies of it.
func ensureMySQL(ctx context.Context, config *mysql.Config) (multiMaster bool, err error) {
	probe := func(config *mysql.Config, f func(*sql.DB) error) error {
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return err
		}
		db := sql.OpenDB(connector)
		defer db.Close()
		return f(db)
	}
	ask := func(db *sql.DB) (err error) {
		multiMaster, err = isMultiMaster(ctx, db)
		return err
	}
	err = probe(config, ask)
	if myCode(err) != myUnknownDatabase {
		return multiMaster, err
	}
	bare := config.Clone()
	bare.DBName = ""
	return multiMaster, probe(bare, func(db *sql.DB) error {
		if _, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+strings.ReplaceAll(config.DBName, "`", "``")+"`"); err != nil {
			return fmt.Errorf("creating the database %s: %w", config.DBName, err)
		}
		return ask(db)
	})
}

// isMultiMaster reports whether the server is a node of a cluster in which every
// node writes: Galera, or group replication without a single primary. Locks on
// one node mean nothing to the others there.
func isMultiMaster(ctx context.Context, db *sql.DB) (bool, error) {
	rows, err := db.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('wsrep_on', 'group_replication_single_primary_mode')")
	if err != nil {
		return false, err
	}
	defer rows.Close()
	multi := false
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return false, err
		}
		multi = multi || name == "wsrep_on" && value == "ON" || name == "group_replication_single_primary_mode" && value == "OFF"
	}
	return multi, rows.Err()
}

// A myConnector sets up each new session.
type myConnector struct {
	driver.Connector
	setup []string
}

func newMyConnector(config *mysql.Config, opts Options, multiMaster bool) (driver.Connector, error) {
	c, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("dataSource of the MySQL database: %w", err)
	}
	setup := []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		fmt.Sprintf("SET SESSION innodb_lock_wait_timeout = %d", max(1, int(opts.Timeout.Seconds()/2))),
		// What is written must be what was said: no value cut off to fit.
		"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
	}
	if multiMaster {
		// What another node acknowledged is seen here. Servers without Galera
		// do not know the variable; group replication has its own way.
		setup = append(setup, "/*M! SET SESSION wsrep_sync_wait = 1 */")
	}
	return &myConnector{c, setup}, nil
}

// Connect implements driver.Connector.
func (c *myConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range c.setup {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, s, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("setting up the session: %w", err), conn.Close())
		}
	}
	return conn, nil
}

func myCode(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// mySQL is the dialect of MySQL and MariaDB.
type mySQL struct{ multiMaster bool }

// isolation is what each session is set to, which spares a round trip.
func (mySQL) isolation() sql.IsolationLevel { return sql.LevelDefault }

func (mySQL) get(k key) statement {
	return statement{"SELECT value, version FROM stepca_records WHERE bucket = ? AND id = ?", []any{k.bucket, k.id}}
}

func (mySQL) page(bucket string, p page) statement {
	return pageStatement(bucket, p, func(int) string { return "?" })
}

func (mySQL) lock(keys []key) statement {
	return myKeys("SELECT bucket, id, version FROM stepca_records", keys, " ORDER BY bucket, id FOR UPDATE")
}

func (mySQL) hold(keys []key) statement {
	return myKeys("SELECT bucket, id, version FROM stepca_records", keys, " ORDER BY bucket, id LOCK IN SHARE MODE")
}

func (d mySQL) holdNeedsWrite() bool { return d.multiMaster }

// touch changes rows, so that the cluster finds the conflict with another node
// that changes them. The version stays the same, since the value does.
func (mySQL) touch(keys []key) statement {
	return myKeys("UPDATE stepca_records SET touched = touched + 1", keys, "")
}

func myKeys(head string, keys []key, tail string) statement {
	var args []any
	for _, k := range keys {
		args = append(args, k.bucket, k.id)
	}
	return statement{head + " WHERE (bucket, id) IN (" + repeat("(?,?)", len(keys)) + ")" + tail, args}
}

func repeat(s string, n int) string {
	return strings.TrimSuffix(strings.Repeat(s+",", n), ",")
}

func (mySQL) insert(rows []row) statement {
	var args []any
	for _, r := range rows {
		args = append(args, r.bucket, r.id, r.value, r.version)
	}
	return statement{"INSERT INTO stepca_records (bucket, id, value, version) VALUES " + repeat("(?,?,?,?)", len(rows)), args}
}

func (d mySQL) upsert(rows []row) statement {
	s := d.insert(rows)
	s.query += " ON DUPLICATE KEY UPDATE value = VALUES(value), version = VALUES(version)"
	return s
}

func (mySQL) remove(keys []key) statement { return myKeys("DELETE FROM stepca_records", keys, "") }

func (mySQL) duplicate(err error) bool { return myCode(err) == myDuplicateEntry }

func (mySQL) creating(err error) bool {
	switch myCode(err) {
	case myDuplicateEntry, myTableExists:
		return true
	}
	return false
}

func (mySQL) conflict(err error) bool {
	switch myCode(err) {
	case myDeadlock, myLockWaitTimeout, myRecordChanged:
		return true
	}
	return false
}

func (mySQL) disconnected(err error) bool {
	switch myCode(err) {
	case myUnknownCommand, myTooManyConns:
		return true
	}
	return dialFailed(err)
}

func (mySQL) undecided(err error) bool {
	switch myCode(err) {
	case myServerShutdown, myConnectionKilled:
		return true
	}
	return errors.Is(err, mysql.ErrInvalidConn) || connectionLost(err)
}
