// SPDX-License-Identifier: MIT
// What size the input's frames are. It looks at every frame, whether anybody wants it
// or not: LOCK_FRAMES in a row of one size, all lines alike, make that the format.
//
// The format is new in the clock after the beat that begins a frame: what works with
// it looks at beats one clock later.

`default_nettype none

module grabber_measure #(
	parameter PIXELS_PER_BEAT = 1,
	parameter BEAT_BYTES = 3,	// in memory
	parameter WIDTH = 1920,
	parameter HEIGHT = 1080,
	parameter LOCK_FRAMES = 2
) (
	input wire clk,
	input wire up,
	input wire beat,
	input wire sof,
	input wire eol,

	// The format
	output reg [15:0] format,	// its number: another for each other size
	output reg [15:0] line_beats,
	output reg [15:0] lines,
	output reg [15:0] width,
	output reg [21:0] line_bytes,
	output reg [26:0] frame_bytes,
	output wire known,		// frames may be begun: they should be of this format
	output reg locked,		// the last frame was of it

	output reg [15:0] input_width,	// of the last frame, 0: no two lines of it were alike
	output reg [15:0] input_height
);

localparam [26:0] FRAME_MAX = 27'd67108864;
// Constants in 32 bits, for parts of them to be taken
localparam [31:0] STEP = PIXELS_PER_BEAT;
localparam [31:0] BEAT = BEAT_BYTES;
localparam [31:0] LINE_BEATS = WIDTH / PIXELS_PER_BEAT;
localparam [31:0] LINE_BYTES = LINE_BEATS * BEAT;
localparam [31:0] LINES = HEIGHT;
localparam [31:0] FRAME_BYTES = LINE_BYTES * LINES;
localparam [31:0] PIXELS = WIDTH;
localparam [31:0] ALIKE = LOCK_FRAMES;

// The frame under way
reg underway, good;
reg [15:0] column, row, first_line;
reg [21:0] row_bytes, first_bytes;
reg [26:0] bytes;
wire [15:0] beats = sof ? 16'd1 : column + 16'd1;
wire [15:0] row_now = sof ? 16'd0 : row;
wire [21:0] row_bytes_now = (sof ? 22'd0 : row_bytes) + BEAT[21:0];
wire [26:0] bytes_now = (sof ? 27'd0 : bytes) + BEAT[26:0];
wire full = beats == 16'hffff || row_now == 16'hffff || bytes_now > FRAME_MAX;

// The one that ends because the next begins
wire ends = beat && sof && underway;
wire well = good && column == 0 && row != 0;
reg [15:0] last_line, last_rows;
reg [7:0] alike;
wire same = well && first_line == last_line && row == last_rows && alike != 0;
wire [7:0] alike_now = !well ? 8'd0 : !same ? 8'd1 : alike == 8'hff ? alike : alike + 8'd1;
wire is_format = well && first_line == line_beats && row == lines;
wire settled = alike_now >= ALIKE[7:0];
// It went on after its last line: that was sent as a whole frame, the next one is not.
wire too_long = row > lines || (row == lines && column != 0);

reg confirmed, doubt;
assign known = confirmed && !doubt;

initial begin
	format = 0;
	line_beats = LINE_BEATS[15:0];
	lines = LINES[15:0];
	width = PIXELS[15:0];
	line_bytes = LINE_BYTES[21:0];
	frame_bytes = FRAME_BYTES[26:0];
	confirmed = 0;
	doubt = 0;
	locked = 0;
	underway = 0;
	good = 0;
	alike = 0;
	input_width = 0;
	input_height = 0;
end

always @(posedge clk)
	if (!up) begin
		underway <= 0;
		good <= 0;
		column <= 0;
		row <= 0;
		first_line <= 0;
		row_bytes <= 0;
		first_bytes <= 0;
		bytes <= 0;
	end else if (beat && (sof || underway)) begin
		underway <= 1;
		bytes <= bytes_now;
		column <= eol ? 16'd0 : beats;
		row <= row_now + {15'd0, eol};
		row_bytes <= eol ? 22'd0 : row_bytes_now;
		if (eol && row_now == 0) begin
			first_line <= beats;
			first_bytes <= row_bytes_now;
		end
		good <= (sof || good) && !full &&
			!(eol && row_now != 0 && beats != first_line);
	end

// The size stays over a reset, so its number is never another size's.
always @(posedge clk)
	if (!up) begin
		doubt <= 1;
		locked <= 0;
		alike <= 0;
		last_line <= 0;
		last_rows <= 0;
		input_width <= 0;
		input_height <= 0;
	end else if (ends) begin
		alike <= alike_now;
		last_line <= first_line;
		last_rows <= row;
		input_width <= well ? first_line * STEP[15:0] : 16'd0;
		input_height <= well ? row : 16'd0;
		locked <= settled || (is_format && confirmed);
		doubt <= !settled && !is_format && (doubt || too_long);
		if (settled)
			confirmed <= 1;
		if (settled && !is_format) begin
			format <= format + 1;
			line_beats <= first_line;
			lines <= row;
			width <= first_line * STEP[15:0];
			line_bytes <= first_bytes;
			frame_bytes <= bytes;
		end
	end

endmodule

`default_nettype wire
