package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// views renders pages.
type views struct {
	pages *template.Template
	files map[string]staticFile
}

type staticFile struct {
	body []byte
	kind string
	etag string
}

func newViews() *views {
	v := &views{
		pages: template.Must(template.New("").Funcs(functions()).ParseFS(templateFiles, "templates/*.html")),
		files: map[string]staticFile{},
	}
	names, _ := fs.Glob(staticFiles, "static/*") // the pattern is a good one
	for _, name := range names {
		body, _ := staticFiles.ReadFile(name) // it is there
		sum := sha256.Sum256(body)
		v.files[path.Base(name)] = staticFile{body, kindOf(name), `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	return v
}

// kindOf is the content type of a file. A machine's own tables may have another one for its
// extension, with which browsers run no script.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

func (v *views) static(w http.ResponseWriter, r *http.Request) {
	f, ok := v.files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", f.etag)
	if matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	_, _ = w.Write(f.body) // the client may have left
}

// render writes a page, or an error and nothing of a page.
func (v *views) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := v.pages.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // a mistake in a template, which contain answers
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may have left
}
