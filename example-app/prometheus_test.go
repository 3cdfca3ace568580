package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The dashboard and the rules that telemetry brings along.
const (
	dashboardFile = "../telemetry/grafana/bgtransform.json"
	rulesDir      = "../telemetry/prometheus"
)

// program returns the path of a program of Debian's package prometheus. Where there is
// none the test is skipped, but fails in a CI.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case os.Getenv("TEST_SERVERS") == "none" && os.Getenv("CI") != "true":
		t.Skip("TEST_SERVERS=none: not tested with a real " + name)
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skipf("not tested with a real %s: %v", name, err)
	}
	return path
}

// TestAlertRules lets Prometheus's own tool load the rules, and try them on series that
// they are to be silent about, and on series that make each of them fire.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "bgtransform.rules.yml"}, {"test", "rules", "bgtransform.rules.test.yml"}} {
		cmd := exec.Command(program(t, "promtool"), args...)
		cmd.Dir = rulesDir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, out)
		}
	}
	rules, err := os.ReadFile(filepath.Join(rulesDir, "bgtransform.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for rule := range strings.SplitSeq(string(rules), "- alert: ") {
		name, _, _ := strings.Cut(rule, "\n")
		complete := strings.Contains(rule, "\n          runbook: ") && strings.Contains(rule, "severity: ")
		if strings.HasPrefix(name, "Bg") && !complete {
			t.Errorf("the alert %s has no runbook, or no severity", name)
		}
	}
}

// prometheus is a Prometheus that scrapes one app and evaluates the rules.
type prometheus struct{ address string }

func startPrometheus(t *testing.T, scrape string) prometheus {
	t.Helper()
	rules, err := filepath.Abs(filepath.Join(rulesDir, "bgtransform.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	settings := fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: app, static_configs: [{targets: [%q]}]}]
`, rules, scrape)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := prometheus{address: freeAddress(t)}
	cmd := exec.Command(program(t, "prometheus"), "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+p.address, "--log.level=warn")
	var said safeBuffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus: %s", said.String())
		}
	})
	return p
}

// sample is one series of an answer, as {label="value",…} and its value.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// query returns the answer of Prometheus, and what it says if it refuses the query.
func (p prometheus) query(t *testing.T, promQL string) ([]sample, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.address+"/api/v1/query?query="+url.QueryEscape(promQL), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", res.Status, err)
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", answer.Status, answer.Error)
	}
	return answer.Data.Result, nil
}

// dashboardQueries returns the queries of the dashboard by panel, with its variables
// filled in as Grafana would.
func dashboardQueries(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Title, Type string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries, ids := map[string][]string{}, map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || (p.Type != "row") != (len(p.Targets) > 0 && p.Description != "") {
			t.Errorf("panel %d %q: its id is taken, it does not fit, or it shows nothing", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			filled := strings.NewReplacer("$transform", ".*", "$__rate_interval", "5s").Replace(target.Expr)
			queries[p.Title] = append(queries[p.Title], filled)
		}
	}
	return queries
}

var (
	labelsOf   = regexp.MustCompile(`\{[^}]*\}|"[^"]*"|\b(?:by|on)\s*\([^)]*\)`)
	metricName = regexp.MustCompile(`\bbgtransform_[a-z_]+`)
)

// TestDashboardOnRealMetrics has a real Prometheus scrape a real app, with the rules
// loaded, and asks it every query of the dashboard; each metric that dashboard and rules
// name must be one that the app exports.
func TestDashboardOnRealMetrics(t *testing.T) {
	t.Parallel()
	program(t, "prometheus")
	scrape := freeAddress(t)
	host, port, _ := strings.Cut(scrape, ":")
	app := spawn(t, []string{
		"OTEL_METRICS_EXPORTER=prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST=" + host, "OTEL_EXPORTER_PROMETHEUS_PORT=" + port,
		"BGTRANSFORM_ROWS_PER_SECOND=300", // so that it is under way for minutes, however slow the machine
	}, "-tracks", "100000")
	app.moves(t, 500)
	p := startPrometheus(t, scrape)

	// The five questions have answers.
	queries := dashboardQueries(t)
	for _, title := range []string{"How far?", "How fast?", "When done?", "Why quiet?", "May we contract?", "The pool", "State", "Dual reads", "Duration of batches"} {
		for _, promQL := range queries[title] {
			if strings.Contains(promQL, `"complete"`) {
				continue // which it is not yet
			}
			eventually(t, title+" has an answer", func() bool {
				got, err := p.query(t, promQL)
				return err == nil && len(got) > 0 && got[0].Value[1] != "NaN"
			})
		}
		if len(queries[title]) == 0 {
			t.Errorf("the dashboard has no panel %q", title)
		}
	}
	for title, each := range queries {
		for _, promQL := range each {
			if _, err := p.query(t, promQL); err != nil {
				t.Errorf("%s: %s: %v", title, promQL, err)
			}
		}
	}
	wantMetricsOf(t, p, queries)
	if got, err := p.query(t, `ALERTS{alertstate="firing",severity="critical"}`); err != nil || len(got) > 0 {
		t.Errorf("alerts fire while all is well: %v, %v", got, err)
	}
}

// wantMetricsOf fails for each metric that dashboard or rules name and p has not.
func wantMetricsOf(t *testing.T, p prometheus, queries map[string][]string) {
	t.Helper()
	series, err := p.query(t, `count by (__name__) ({__name__=~"bgtransform_.*"})`)
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, s := range series {
		exported[s.Metric["__name__"]] = true
	}
	text, err := os.ReadFile(filepath.Join(rulesDir, "bgtransform.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, promQL := range append(expressions(string(text)), flat(queries)...) {
		for _, name := range metricName.FindAllString(labelsOf.ReplaceAllString(promQL, ""), -1) {
			named++
			if !exported[name] {
				t.Errorf("%s is named in %q, and the app exports %v", name, promQL, exported)
			}
		}
	}
	if named < 40 {
		t.Errorf("found %d names of metrics only; is the dashboard read at all?", named)
	}
}

// expressions returns those of a file of rules.
func expressions(rules string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?s)expr: (.*?)\n        (?:for|labels):`).FindAllStringSubmatch(rules, -1) {
		all = append(all, m[1])
	}
	return all
}

func flat(queries map[string][]string) []string {
	var all []string
	for _, each := range queries {
		all = append(all, each...)
	}
	return all
}

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
