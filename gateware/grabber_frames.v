// SPDX-License-Identifier: MIT
// Which beats are a frame's: begins frames while RUN is set, numbers them, and ends
// them where they should end, or where they turn out to be none of the format.
//
// A frame that begins while there is no room is dropped as a whole. A beat is kept
// back until it is known whether it is the frame's last one: so an end always has
// data to ride on.

`default_nettype none

module grabber_frames #(
	parameter DATA_WIDTH = 24
) (
	input wire clk,
	input wire up,
	input wire run,
	input wire room,		// for a frame to begin

	input wire beat,
	input wire sof,
	input wire eol,
	input wire [DATA_WIDTH-1:0] data,

	input wire [15:0] line_beats,
	input wire [15:0] lines,
	input wire known,

	// Beats of frames
	output wire out_valid,
	output wire [1:0] out_end,	// the frame ends here; GOES_ON: it does not
	output wire [DATA_WIDTH-1:0] out_data,

	// Since the reset: frames begun, and of these dropped here, for what reason
	output reg accepted,		// "begun" is the number of a frame that comes now
	output reg [31:0] accepted_number,
	output reg [31:0] begun,
	output reg [15:0] no_room,
	output reg [15:0] not_known
);

// How a beat ends a frame: not at all; as it should; otherwise
localparam [1:0] GOES_ON = 0;
localparam [1:0] WHOLE = 1;
localparam [1:0] BROKEN = 2;

reg open;		// a frame is under way
reg [15:0] column, row;
reg held;
reg [1:0] held_end;
reg [DATA_WIDTH-1:0] held_data;

wire begins = beat && sof && run;
wire accept = begins && known && room;
wire cut = open && ((beat && sof) || !run);
wire take = accept || (open && beat && !sof && run);

wire [15:0] column_now = sof ? 16'd0 : column;
wire [15:0] row_now = sof ? 16'd0 : row;
wire line_full = column_now + 16'd1 == line_beats;
wire wrong = line_full != eol;
wire whole = line_full && eol && row_now + 16'd1 == lines;
wire [1:0] take_end = wrong ? BROKEN : whole ? WHOLE : GOES_ON;

assign out_valid = held && (held_end != GOES_ON || take || cut);
assign out_end = held_end != GOES_ON ? held_end : cut ? BROKEN : GOES_ON;
assign out_data = held_data;

initial begin
	open = 0;
	held = 0;
	accepted = 0;
	begun = 0;
	no_room = 0;
	not_known = 0;
end

always @(posedge clk)
	if (!up) begin
		open <= 0;
	end else if (take) begin
		open <= take_end == GOES_ON;
		column <= eol ? 16'd0 : column_now + 16'd1;
		row <= row_now + {15'd0, eol};
	end else if (cut) begin
		open <= 0;
	end

always @(posedge clk)
	if (!up)
		held <= 0;
	else if (take)
		held <= 1;
	else if (out_valid)
		held <= 0;

always @(posedge clk)
	if (take) begin
		held_end <= take_end;
		held_data <= data;
	end

always @(posedge clk)
	if (!up) begin
		accepted <= 0;
		begun <= 0;
		no_room <= 0;
		not_known <= 0;
	end else begin
		accepted <= accept;
		accepted_number <= begun;
		if (begins)
			begun <= begun + 1;
		if (begins && known && !room)
			no_room <= no_room + 1;
		if (begins && !known)
			not_known <= not_known + 1;
	end

`ifdef GRABBER_ASSERT
always @(posedge clk)
	if (up && take && held && !out_valid) begin
		$display("assertion: a beat is lost");
		$stop;
	end
always @(posedge clk)
	if (up && accept && held && out_end == GOES_ON) begin
		$display("assertion: a frame begins in another one");
		$stop;
	end
`endif

endmodule

`default_nettype wire
