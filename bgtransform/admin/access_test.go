package admin_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	control  = regexp.MustCompile(`<(input|select|textarea)\b[^>]*>`)
	attr     = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
	heading  = regexp.MustCompile(`<h([1-6])\b`)
	labelled = regexp.MustCompile(`aria-(?:labelledby|describedby)="([^"]*)"`)
)

func attributes(tag string) map[string]string {
	all := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(tag, -1) {
		all[m[1]] = m[2]
	}
	return all
}

// What a screen reader and a keyboard need: a label for each control, a name for each
// button, bar and chart, headings in their order, ids that are there once.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	for name, page := range everything(t) {
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			ids[m[1]]++
		}
		for id, n := range ids {
			if n > 1 || id == "" {
				t.Errorf("%s: the id %q is there %d times", name, id, n)
			}
		}
		for _, tag := range control.FindAllString(page, -1) {
			a := attributes(tag)
			if a["type"] != "hidden" && !strings.Contains(page, `<label for="`+a["id"]+`">`) {
				t.Errorf("%s: %s has no label", name, tag)
			}
		}
		for _, kind := range []string{"progress", "svg"} {
			for _, tag := range regexp.MustCompile(`<`+kind+`\b[^>]*>`).FindAllString(page, -1) {
				if attributes(tag)["aria-label"] == "" {
					t.Errorf("%s: %s has no name", name, tag)
				}
			}
		}
		for _, button := range regexp.MustCompile(`(?s)<button[^>]*>(.*?)</button>`).FindAllStringSubmatch(page, -1) {
			if strings.TrimSpace(button[1]) == "" {
				t.Errorf("%s: %s has no text", name, button[0])
			}
		}
		for _, m := range labelled.FindAllStringSubmatch(page, -1) {
			if ids[m[1]] == 0 {
				t.Errorf("%s: nothing has the id %q", name, m[1])
			}
		}
		last := 0
		for i, m := range heading.FindAllStringSubmatch(page, -1) {
			level, _ := strconv.Atoi(m[1])
			if level > last+1 || i == 0 && level != 1 || i > 0 && level == 1 {
				t.Errorf("%s: heading %d is of level %d, after %d", name, i+1, level, last)
			}
			last = level
		}
		for _, part := range []string{`<html lang="en">`, `<title>`, `name="viewport"`, `<main id="main"`, `href="#main"`} {
			if !strings.Contains(page, part) {
				t.Errorf("%s lacks %s", name, part)
			}
		}
		if n := strings.Count(page, `aria-live`) + strings.Count(page, `role="status"`); n > 2 {
			t.Errorf("%s has %d parts that are read out by themselves", name, n)
		}
	}
}

// colours are the custom properties of a block of the style sheet.
func colours(t *testing.T, css string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		v, err := strconv.ParseUint(m[2], 16, 32)
		must(t, err)
		light := 0.0
		for i, share := range []float64{0.2126, 0.7152, 0.0722} {
			c := float64(v>>(16-8*i)&0xff) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			light += share * c
		}
		all[m[1]] = light
	}
	return all
}

// Text has a contrast of 4.5 at least, and the edges of controls one of 3, by day and by
// night.
func TestContrast(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("static/page.css")
	must(t, err)
	day, night, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	for name, block := range map[string]string{"light": day, "dark": night} {
		c := colours(t, block)
		pairs := []string{"button-text button 4.5", "danger-text danger 4.5", "good good-back 4.5", "bad bad-back 4.5", "text good-back 4.5", "text bad-back 4.5", "soft bad-back 4.5", "soft good-back 4.5"}
		for _, on := range []string{"page", "card"} {
			for _, text := range []string{"text", "soft", "link", "good", "busy", "idle", "bad"} {
				pairs = append(pairs, fmt.Sprintf("%s %s 4.5", text, on))
			}
			pairs = append(pairs, "field "+on+" 3", "button "+on+" 3")
		}
		for _, pair := range pairs {
			var a, b string
			var want float64
			_, err := fmt.Sscan(pair, &a, &b, &want)
			must(t, err)
			x, y := c[a], c[b]
			if x == 0 || y == 0 { // none is black
				t.Fatalf("%s: the style sheet lacks one of %s", name, pair)
			}
			if got := (max(x, y) + 0.05) / (min(x, y) + 0.05); got < want {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want %v", name, a, b, got, want)
			}
		}
	}
}
