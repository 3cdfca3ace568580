package keyset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// First returns the table's first key; nil if it has none. It reads one entry of the index.
func (w Walk) First(ctx context.Context, q dialect.Querier) (Key, error) {
	return w.one(ctx, q, "", "", nil)
}

// Last returns the table's last key; nil if it has none. It reads one entry of the index.
func (w Walk) Last(ctx context.Context, q dialect.Querier) (Key, error) {
	return w.one(ctx, q, "", " DESC", nil)
}

// Beyond returns the first of the keys that begin like key, up to its last part, in
// the place of which they have more; nil if there are none. It reads one entry of
// the index.
func (w Walk) Beyond(ctx context.Context, q dialect.Querier, key Key) (Key, error) {
	p := w.inGroup(key, len(key)-1, ">")
	return w.one(ctx, q, " WHERE "+strings.Join(p.conds, " AND "), "", p.args)
}

// Follows reports whether a key that is in the table stands behind another, which
// need not be there. It reads one entry of the index.
func (w Walk) Follows(ctx context.Context, q dialect.Querier, key, other Key) (bool, error) {
	is, args := w.AnyOf([]Key{key})
	behind, more := w.compare(w.Keys, other, ">", "")
	found, err := w.one(ctx, q, " WHERE "+is+" AND "+behind, "", append(append([]any{}, args...), more...))
	return found != nil, err
}

// one reads the first key that matches a condition, in an order.
func (w Walk) one(ctx context.Context, q dialect.Querier, where, order string, args []any) (Key, error) {
	key, dest, raw := make(Key, len(w.Keys)), make([]any, len(w.Keys)), make([]string, len(w.Keys))
	for i, k := range w.Keys {
		dest[i], raw[i] = &key[i], w.Dialect.Raw(k)
	}
	query := "SELECT " + strings.Join(raw, ", ") + " FROM " + w.Table + where + " ORDER BY " + w.names(w.Alias+".", order) + " LIMIT 1"
	err := q.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	for i, k := range w.Keys {
		key[i] = w.Dialect.Load(k, key[i])
	}
	return key, nil
}
