package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"nightshift/remediate"
)

// server is a real PostgreSQL of a test's own, with five connections: three that
// are kept for superusers, two for everybody.
type server struct{ dir, port string }

// startPostgres runs one as the user postgres, who may: root may not.
func startPostgres(t *testing.T) server {
	t.Helper()
	as, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("a PostgreSQL is needed (Debian: apt install postgresql): %v", err)
	}
	uid, _ := strconv.Atoi(as.Uid)
	gid, _ := strconv.Atoi(as.Gid)
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Fatal("a PostgreSQL is needed (Debian: apt install postgresql): /usr/lib/postgresql has none")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("/tmp", "pg") // the path of a socket has 107 characters at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	password := write(t, filepath.Join(dir, "password"), "of-the-test\n")
	if err := os.Chown(password, uid, gid); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--pwfile="+password).CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	_, port, _ := net.SplitHostPort(closedPort(t))
	var log bytes.Buffer
	cmd := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=127.0.0.1", "-p", port, "-c", "max_connections=5",
		"-c", "superuser_reserved_connections=3", "-c", "max_wal_senders=0", "-F")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGQUIT); cmd.Wait() })
	s := server{dir, port}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := s.connect(t.Context(), "postgres")
		if err == nil {
			result := conn.Exec(t.Context(), "CREATE ROLE nightshift LOGIN")
			if _, err := result.ReadAll(); err != nil {
				t.Fatal(err)
			}
			hangUp(conn)
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not start: %v\n%s", err, log.String())
		}
	}
}

// connect is somebody's connection through the socket.
func (s server) connect(ctx context.Context, as string) (*pgconn.PgConn, error) {
	return pgconn.Connect(ctx, fmt.Sprintf("host=%s port=%s user=%s dbname=postgres", s.dir, s.port, as))
}

// hold takes a connection until the test ends or gives it back.
func (s server) hold(t *testing.T) (giveBack func()) {
	t.Helper()
	var conn *pgconn.PgConn
	eventually(t, func() (ok bool) {
		var err error
		conn, err = s.connect(t.Context(), "nightshift")
		return err == nil
	})
	return func() { hangUp(conn) }
}

func TestPostgresCountsConnectionsAndKnowsWhenNoneIsLeft(t *testing.T) {
	s := startPostgres(t)
	// A link in a folder of its own gives the socket the name of the default port.
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(s.dir, ".s.PGSQL."+s.port), filepath.Join(folder, ".s.PGSQL.5432")); err != nil {
		t.Fatal(err)
	}
	o := PostgresOptions{Name: "db", At: folder, User: "nightshift", Database: "postgres", MaxPercent: 50, Timeout: patience}

	p := NewPostgres(o)
	free := func() bool { return p.Probe(t.Context()).Health == remediate.Healthy }
	eventually(t, free) // of whoever asked whether it has started
	sees(t, p, remediate.Healthy, "SELECT 1 answers; 1 of 2 connections are in use (50.0 %)")

	first := s.hold(t)
	if text, err := p.See(t.Context()); err != nil || !strings.Contains(text, "user nightshift, database postgres") {
		t.Errorf("%q %v", text, err)
	}
	eventually(t, func() bool {
		o := p.Probe(t.Context())
		return o.Health == remediate.Unhealthy && strings.Contains(o.Detail, "2 of 2 connections are in use (100.0 %), expected at most 50.0 %")
	})
	second := s.hold(t)
	eventually(t, func() bool {
		o := p.Probe(t.Context())
		return o.Health == remediate.Unhealthy && strings.Contains(o.Detail, "no connection is left") && strings.Contains(o.Detail, "53300")
	})
	if _, err := p.See(t.Context()); err == nil || !strings.Contains(err.Error(), "53300") {
		t.Errorf("%v", err)
	}
	first()
	second()
	eventually(t, free)

	for name, c := range map[string]struct {
		change func(*PostgresOptions)
		health remediate.Health
		part   string
	}{
		"a user it does not know": {func(o *PostgresOptions) { o.User = "stranger" }, remediate.Unknown, "28000"},
		"no such database":        {func(o *PostgresOptions) { o.Database = "nowhere" }, remediate.Unknown, "3D000"},
		"a password that is wrong": {func(o *PostgresOptions) {
			o.At = "127.0.0.1:" + s.port
			o.User = "postgres"
			o.PassFile = passFile(t, "wrong-one")
		}, remediate.Unknown, "28P01"},
		"a password from its file": {func(o *PostgresOptions) {
			o.At = "127.0.0.1:" + s.port
			o.User = "postgres"
			o.PassFile = passFile(t, "of-the-test")
			o.MaxPercent = 0
		}, remediate.Healthy, "SELECT 1"},
		"a pass file that is gone":  {func(o *PostgresOptions) { o.PassFile = "/no/such/file" }, remediate.Unknown, "password file"},
		"no socket":                 {func(o *PostgresOptions) { o.At = "/tmp" + t.TempDir() }, remediate.Unhealthy, "nobody listens"},
		"nobody listens":            {func(o *PostgresOptions) { o.At = closedPort(t) }, remediate.Unhealthy, "nobody listens"},
		"one that never answers":    {func(o *PostgresOptions) { o.At = hangingListener(t); o.Timeout = 500 * time.Millisecond }, remediate.Unhealthy, "in time"},
		"a certificate is expected": {func(o *PostgresOptions) { o.At = "127.0.0.1:" + s.port; o.CAFile = newAuthority(t).file(t, "") }, remediate.Unhealthy, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			c.change(&o)
			sees(t, NewPostgres(o), c.health, c.part)
			if detail := NewPostgres(o).Probe(t.Context()).Detail; strings.Contains(detail, "of-the-test") || strings.Contains(detail, "wrong-one") {
				t.Errorf("it tells the password: %s", detail)
			}
		})
	}
}

func passFile(t *testing.T, password string) string {
	return write(t, "", "*:*:*:*:"+password+"\n")
}

// eventually waits for what a server does in its own time: it counts a connection
// a moment after it was closed.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to that")
		}
	}
}

func TestWhatPostgresSaysIsNotWhatItDoesNotLetUsAsk(t *testing.T) {
	for code, want := range map[string]remediate.Health{
		"53300": remediate.Unhealthy, "57P03": remediate.Unhealthy, "57P01": remediate.Unhealthy, "53200": remediate.Unhealthy, "XX000": remediate.Unhealthy,
		"28000": remediate.Unknown, "28P01": remediate.Unknown, "3D000": remediate.Unknown, "42501": remediate.Unknown,
	} {
		err := fmt.Errorf("outside: %w", errors.Join(errors.New("first"), &pgconn.PgError{Code: code, Message: "m"}))
		if got := judgePostgres(t.Context(), err); got.health != want || !strings.Contains(got.detail, code) {
			t.Errorf("%s: %v", code, got)
		}
	}
}
