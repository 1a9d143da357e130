package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// The database is reached through its socket, where PostgreSQL knows the
// system's user: there is no password.
const (
	grafanaAddress = "127.0.0.1:3030"
	grafanaControl = "127.0.0.1:3039"
	database       = "host=/run/postgresql user=grafana dbname=grafana connect_timeout=2"
)

// grafana serves pages for which it asks its database, as the real one does
// for every session.
func grafana(ctx context.Context) error {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /grafana/", dashboard)
	pages.HandleFunc("GET /grafana/api/health", health)
	pages.HandleFunc("GET /api/health", health)
	control := http.NewServeMux()
	control.Handle("POST /break/leak", &leak{})
	control.Handle("POST /break/connections", &pool{})
	control.HandleFunc("POST /break/spin", spin)
	return serve(ctx, map[string]http.Handler{grafanaAddress: pages, grafanaControl: control})
}

func dashboard(w http.ResponseWriter, r *http.Request) {
	if err := askDatabase(r.Context()); err != nil {
		fmt.Fprintln(os.Stderr, "cannot show a dashboard:", err)
		http.Error(w, "Grafana has no database", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintln(w, "<!doctype html><title>Grafana</title><h1>Project health</h1>")
}

// health answers in the shape of Grafana's own health resource.
func health(w http.ResponseWriter, r *http.Request) {
	state, code := "ok", http.StatusOK
	if err := askDatabase(r.Context()); err != nil {
		fmt.Fprintln(os.Stderr, "cannot reach the database:", err)
		state, code = "failing", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"database": state, "version": "stand-in"})
}

func askDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.Exec(ctx, "SELECT 1").Close()
}
