package dialect

import "github.com/uptrace/bun"

func mysql(_ *bun.DB) *Dialect { return nil }
