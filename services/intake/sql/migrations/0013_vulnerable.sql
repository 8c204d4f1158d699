-- Whether the matter is of somebody whom it hits harder than others 困难群众: said by whoever took it, shown on no list.
ALTER TABLE ticket ADD COLUMN vulnerable boolean NOT NULL DEFAULT false;
