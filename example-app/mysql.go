package main

import (
	"cmp"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
)

const mysqlExample = "mysql://USER:PASSWORD@localhost:3306/DATABASE"

// parseMySQL reads the URL of a MariaDB or MySQL database. The driver wants
// another spelling, but takes the same parameters.
func parseMySQL(text string) (database, error) {
	u, err := parseServer(text, mysqlExample)
	if err != nil {
		return database{}, err
	}
	params := u.Query()
	if !params.Has("parseTime") {
		params.Set("parseTime", "true")
	}
	cfg, err := mysql.ParseDSN("/?" + params.Encode())
	if err != nil {
		return database{}, usagef("the parameters of the MySQL address are not understood: %w; want those of the Go driver, such as %s?tls=true", err, mysqlExample)
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = strings.Trim(u.Path, "/")
	if cfg.DBName == "" {
		return database{}, usagef("the MySQL address names no database; want such as %s", mysqlExample)
	}
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), "3306"))
	cfg.Timeout = cmp.Or(cfg.Timeout, connectTimeout)
	cfg.Logger = mysqlLog{}
	return database{name: serverName("mysql", cfg.Addr, cfg.DBName), open: func() (*bun.DB, error) { return openMySQL(cfg) }}, nil
}

func openMySQL(cfg *mysql.Config) (*bun.DB, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := limitConns(sql.OpenDB(connector))
	db.SetConnMaxLifetime(connLife)
	return bun.NewDB(db, offline{mysqldialect.New()}), nil
}

// offline is bun's dialect without the query that it sends at once to find out the
// server's version: the app is to boot also when the server is down, and needs
// nothing that only some versions have.
type offline struct{ *mysqldialect.Dialect }

// Init asks nothing.
func (offline) Init(*sql.DB) {}

// mysqlLog keeps the driver from writing into the progress bar. What matters of it
// comes back as an error.
type mysqlLog struct{}

// Print is called for each connection that breaks.
func (mysqlLog) Print(v ...any) { slog.Debug("example-app: mysql: " + fmt.Sprint(v...)) }
