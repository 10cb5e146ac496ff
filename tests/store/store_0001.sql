BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE runs (
	id VARCHAR(64) NOT NULL, 
	created DATETIME NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	subject_name TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	negative_prompt TEXT NOT NULL, 
	scheduler VARCHAR(64) NOT NULL, 
	num_inference_steps INTEGER NOT NULL, 
	guidance_scale DOUBLE NOT NULL, 
	strength DOUBLE NOT NULL, 
	seed BIGINT NOT NULL, 
	mask_grow DOUBLE NOT NULL, 
	mask_feather DOUBLE NOT NULL, 
	model TEXT NOT NULL, 
	model_revision TEXT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	model_width INTEGER NOT NULL, 
	model_height INTEGER NOT NULL, 
	device TEXT NOT NULL, 
	dtype VARCHAR(16) NOT NULL, 
	versions JSON NOT NULL, 
	seconds JSON NOT NULL, 
	peak_memory_mb DOUBLE NOT NULL, 
	image VARCHAR(64) NOT NULL, 
	raw VARCHAR(64) NOT NULL, 
	rating INTEGER, 
	notes TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','2026-01-02 03:04:05.678901','visitor','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss','Ada','a beach','text','ddim',20,3.5,1.0,7,1.5,0.0,'demo','0123',48,32,24,16,'cpu','float32','{"torch": "2.13.0"}','{"denoise": 1.5}',912.5,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',4,NULL);
CREATE TABLE subjects (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	photo VARCHAR(64) NOT NULL, 
	alpha VARCHAR(64) NOT NULL, 
	edit JSON NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE sweep_cells (
	sweep_id VARCHAR(64) NOT NULL, 
	cell_index INTEGER NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	error TEXT NOT NULL, 
	PRIMARY KEY (sweep_id, cell_index), 
	FOREIGN KEY(sweep_id) REFERENCES sweeps (id) ON DELETE CASCADE
);
INSERT INTO "sweep_cells" VALUES('made',0,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','');
CREATE TABLE sweeps (
	id VARCHAR(64) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	created DATETIME NOT NULL, 
	started DATETIME, 
	finished DATETIME, 
	state VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	"plan" JSON NOT NULL, 
	subject_id VARCHAR(64) NOT NULL, 
	total INTEGER NOT NULL, 
	message TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "sweeps" VALUES('made','visitor','2026-01-02 03:00:00.000000',NULL,NULL,'done','a beach','{"subject_id": "s", "model": "demo", "base": {"prompt": "a beach"}, "axes": []}','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss',1,'');
INSERT INTO "sweeps" VALUES('first','visitor','2026-01-02 03:01:00.000000',NULL,NULL,'queued','a beach','{"subject_id": "s", "model": "demo", "base": {"prompt": "a beach"}, "axes": []}','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss',0,'');
INSERT INTO "sweeps" VALUES('second','visitor','2026-01-02 03:02:00.000000',NULL,NULL,'queued','a beach','{"subject_id": "s", "model": "demo", "base": {"prompt": "a beach"}, "axes": []}','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss',0,'');
CREATE INDEX ix_subjects_created ON subjects (created);
CREATE INDEX ix_subjects_photo ON subjects (photo);
CREATE INDEX ix_subjects_alpha ON subjects (alpha);
CREATE INDEX ix_sweeps_owner ON sweeps (owner);
CREATE INDEX ix_sweeps_subject_id ON sweeps (subject_id);
CREATE INDEX ix_sweep_cells_run_id ON sweep_cells (run_id);
CREATE INDEX ix_runs_created ON runs (created);
CREATE INDEX ix_runs_owner ON runs (owner);
CREATE INDEX ix_runs_subject_id ON runs (subject_id);
CREATE INDEX ix_runs_scheduler ON runs (scheduler);
CREATE INDEX ix_runs_model ON runs (model);
CREATE INDEX ix_runs_image ON runs (image);
CREATE INDEX ix_runs_raw ON runs (raw);
CREATE INDEX ix_sweeps_state_created ON sweeps (state, created);
COMMIT;
