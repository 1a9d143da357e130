package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nightshift/remediate"
)

// PostgresOptions say which PostgreSQL is asked, and as whom.
type PostgresOptions struct {
	Name string
	// At is the folder of its socket, or HOST:PORT.
	At             string
	User, Database string
	// PassFile is a password file of libpq, where one is needed.
	PassFile string
	// CAFile holds certificates to trust; with it only TLS will do.
	CAFile string
	// MaxPercent is the greatest healthy share of the connections; 0 asks for
	// nothing.
	MaxPercent float64
	Timeout    time.Duration
}

// Postgres asks a PostgreSQL for SELECT 1, and how many of its connections are in
// use. Each question is a connection of its own: it finds what a new user would.
type Postgres struct{ o PostgresOptions }

// NewPostgres makes a probe of a PostgreSQL.
func NewPostgres(o PostgresOptions) *Postgres { return &Postgres{o} }

// connections counts what may be had and what is. pg_stat_database counts the
// backends of each database and is everybody's to read; what is kept for
// superusers (and, from version 16, for reserved roles) is nobody else's.
const connections = `SELECT 1,
	(SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database),
	current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
		- coalesce(current_setting('reserved_connections', true), '0')::int`

// Probe asks once.
func (p *Postgres) Probe(ctx context.Context) remediate.Observation {
	return ask(ctx, p.o.Name, p.o.Timeout, func(ctx context.Context) answer {
		rows, err := p.query(ctx, connections)
		if err != nil {
			return judgePostgres(ctx, err)
		}
		if len(rows) != 1 || len(rows[0]) != 3 || rows[0][0] != "1" {
			return unhealthy("SELECT 1 is not 1")
		}
		return p.judge(rows[0][1], rows[0][2])
	})
}

// judge holds the connections against the most.
func (p *Postgres) judge(inUse, all string) answer {
	used, errUsed := strconv.ParseFloat(inUse, 64)
	may, errMay := strconv.ParseFloat(all, 64)
	if errUsed != nil || errMay != nil || may <= 0 {
		return unknown("cannot read its connections: %q of %q", inUse, all)
	}
	share := 100 * used / may
	seen := fmt.Sprintf("SELECT 1 answers; %.0f of %.0f connections are in use (%s)", used, may, percent(share))
	if p.o.MaxPercent > 0 && share > p.o.MaxPercent {
		return unhealthy("%s, expected at most %s", seen, percent(p.o.MaxPercent))
	}
	return healthy("%s", seen)
}

// maxRows bounds what is read of an answer.
const maxRows = 100

// errNoPassFile says that a password can't be read: whose fault it is that nobody
// is let in.
var errNoPassFile = errors.New("cannot read the password file")

// query connects, asks, and hangs up.
func (p *Postgres) query(ctx context.Context, sql string) ([][]string, error) {
	config, err := p.config()
	if err != nil {
		return nil, err
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	result := conn.ExecParams(ctx, sql, nil, nil, nil, nil)
	var rows [][]string
	for result.NextRow() && len(rows) < maxRows {
		var row []string
		for _, value := range result.Values() {
			row = append(row, string(value))
		}
		rows = append(rows, row)
	}
	_, err = result.Close()
	return rows, err
}

// hangUpWithin bounds the good-bye to a server that no longer listens.
const hangUpWithin = time.Second

func hangUp(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), hangUpWithin)
	defer cancel()
	_ = conn.Close(ctx)
}

// config is how it is reached. It is made for each question, so that another
// password file or certificate is seen at once. Nothing here holds a password.
func (p *Postgres) config() (*pgconn.Config, error) {
	host, port := p.o.At, "5432" // the port names the socket's file, too
	if !strings.HasPrefix(p.o.At, "/") {
		var err error
		if host, port, err = net.SplitHostPort(p.o.At); err != nil {
			return nil, err
		}
	}
	settings := [][2]string{
		{"host", host}, {"port", port}, {"user", p.o.User}, {"dbname", p.o.Database},
		{"application_name", "nightshift"}, {"sslmode", "prefer"},
	}
	if p.o.PassFile != "" {
		file, err := os.Open(p.o.PassFile)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoPassFile, err)
		}
		file.Close()
		settings = append(settings, [2]string{"passfile", p.o.PassFile})
	}
	if p.o.CAFile != "" {
		settings = append(settings, [2]string{"sslmode", "verify-full"}, [2]string{"sslrootcert", p.o.CAFile})
	}
	var words []string
	for _, s := range settings {
		words = append(words, s[0]+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s[1])+"'")
	}
	return pgconn.ParseConfig(strings.Join(words, " "))
}

// ours are the SQLSTATEs that say that this probe may not ask, or not so:
// appendix A of PostgreSQL's documentation.
var ours = []string{"28000", "28P01", "3D000", "42501"}

// judgePostgres says whose fault it is that there was no answer. No connection
// left is what is asked for here, and no failure to ask.
func judgePostgres(ctx context.Context, err error) answer {
	said := new(pgconn.PgError)
	unresolved := new(net.DNSError)
	switch {
	case errors.As(err, &said) && slices.Contains(ours, said.Code):
		return unknown("it does not let us in: %s (%s)", said.Message, said.Code)
	case errors.As(err, &said) && said.Code == "53300":
		return unhealthy("no connection is left: %s (%s)", said.Message, said.Code)
	case errors.As(err, &said):
		return unhealthy("it says: %s (%s)", said.Message, said.Code)
	case errors.Is(err, errNoPassFile):
		return unknown("%v", err)
	case errors.As(err, &unresolved):
		return unknown("cannot resolve %s: %s", unresolved.Name, unresolved.Err)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return unhealthy("nobody listens, or hangs up: %s", last(err))
	case errors.Is(err, syscall.ENOENT):
		return unhealthy("there is no socket: nobody listens")
	case ctx.Err() != nil:
		return unhealthy("it did not answer in time")
	case lacking(err), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.As(err, new(*pgconn.ParseConfigError)):
		return unknown("cannot ask: %s", last(err))
	}
	return unhealthy("it did not answer: %s", last(err))
}

// last is the innermost error: those around it repeat how it was reached.
func last(err error) string {
	text := err.Error()
	if n := strings.LastIndex(text, ": "); n >= 0 {
		text = text[n+2:]
	}
	return text
}

// Sees is the evidence that the probe can give.
func (p *Postgres) Sees() remediate.Sight { return remediate.SeeDatabase }

// holders are who holds the connections, by what everybody may see of others:
// never what they ask.
const holders = `SELECT coalesce(usename, '-'), coalesce(datname, '-'), coalesce(application_name, ''), coalesce(state, '?'), count(*)
	FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC`

// See is a table of who holds the connections.
func (p *Postgres) See(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(p.o.Timeout))
	defer cancel()
	rows, err := p.query(ctx, holders)
	if err != nil {
		return "", fmt.Errorf("cannot see who holds the connections: %s", judgePostgres(ctx, err).detail)
	}
	var lines strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&lines, "%5s  user %s, database %s, application %q, %s\n", row[4], remediate.Printable(row[0]), remediate.Printable(row[1]), remediate.Printable(row[2]), remediate.Printable(row[3]))
	}
	return lines.String(), nil
}
