// SPDX-License-Identifier: MIT
// Packs the beats' bytes one after the other into words of the stream's width. The
// first step shifts, in words of the next power of two that holds a beat; the
// second one only fills lanes.

`default_nettype none

module grabber_pack #(
	parameter BEAT_BYTES = 3,
	parameter SMALL_BYTES = 4,	// a power of two, BEAT_BYTES at least
	parameter WORD_BYTES = 8,	// a power of two, SMALL_BYTES at least
	parameter COUNT_BITS = 3	// WORD_BYTES = 1 << COUNT_BITS
) (
	input wire clk,
	input wire up,
	input wire in_valid,
	input wire [1:0] in_end,
	input wire [8*BEAT_BYTES-1:0] in_data,

	output reg out_valid,
	output reg [1:0] out_end,
	output reg [COUNT_BITS-1:0] out_count,	// bytes in it, less one
	output reg [8*WORD_BYTES-1:0] out_data
);

localparam [1:0] GOES_ON = 0;	// as in grabber_frames.v

localparam LANES = WORD_BYTES / SMALL_BYTES;
// Constants in 32 bits, for parts of them to be taken
localparam [31:0] BEAT = BEAT_BYTES;
localparam [31:0] SMALL = SMALL_BYTES;
localparam [31:0] LAST_BYTE = WORD_BYTES - 1;
localparam [31:0] LAST_LANE = LANES - 1;

// First step. What is left of a frame whose end was seen waits a clock, for a word
// may have been full in the same one.
reg [8*SMALL_BYTES-1:0] rest;
reg [7:0] rest_bytes;
reg [1:0] rest_end;

wire [7:0] filled = rest_end != GOES_ON ? 8'd0 : rest_bytes;
wire [7:0] total = filled + BEAT[7:0];
wire [16*SMALL_BYTES-1:0] joined;

generate
	if (SMALL_BYTES == BEAT_BYTES) begin : no_shift
		assign joined = {{8*SMALL_BYTES{1'b0}}, in_data};
	end else begin : shift
		wire [8*SMALL_BYTES-1:0] kept =
			rest_end != GOES_ON ? {8*SMALL_BYTES{1'b0}} : rest;
		wire [16*SMALL_BYTES-1:0] wide = {{8*(2*SMALL_BYTES-BEAT_BYTES){1'b0}}, in_data};

		assign joined = {{8*SMALL_BYTES{1'b0}}, kept} | wide << {filled, 3'b000};
	end
endgenerate

wire full = total >= SMALL[7:0];
reg small_valid;
reg [1:0] small_end;
reg [7:0] small_bytes;
reg [8*SMALL_BYTES-1:0] small_data;

initial begin
	rest = 0;
	rest_bytes = 0;
	rest_end = GOES_ON;
	small_valid = 0;
	out_valid = 0;
end

always @(posedge clk)
	if (!up) begin
		rest <= 0;
		rest_bytes <= 0;
		rest_end <= GOES_ON;
		small_valid <= 0;
	end else begin
		small_valid <= rest_end != GOES_ON || (in_valid && full);
		small_end <= rest_end != GOES_ON ? rest_end :
			     total == SMALL[7:0] ? in_end : GOES_ON;
		small_bytes <= rest_end != GOES_ON ? rest_bytes : SMALL[7:0];
		small_data <= rest_end != GOES_ON ? rest : joined[8*SMALL_BYTES-1:0];
		if (in_valid) begin
			rest <= full ? joined[16*SMALL_BYTES-1:8*SMALL_BYTES] :
				joined[8*SMALL_BYTES-1:0];
			rest_bytes <= full ? total - SMALL[7:0] : total;
			rest_end <= total == SMALL[7:0] ? GOES_ON : in_end;
		end else if (rest_end != GOES_ON) begin
			rest <= 0;
			rest_bytes <= 0;
			rest_end <= GOES_ON;
		end
	end

`ifdef GRABBER_ASSERT
always @(posedge clk)
	if (up && rest_end != GOES_ON && in_valid && full) begin
		$display("assertion: two words are full at once");
		$stop;
	end
`endif

// Second step
wire [7:0] so_far;
wire [7:0] bytes_now = so_far + small_bytes - 8'd1;

generate
	if (LANES == 1) begin : no_lanes
		assign so_far = 0;
		always @(posedge clk)
			if (small_valid)
				out_data <= small_data;
	end else begin : lanes
		reg [7:0] lane;
		genvar i;

		initial lane = 0;
		assign so_far = lane * SMALL[7:0];
		always @(posedge clk)
			if (!up)
				lane <= 0;
			else if (small_valid)
				lane <= small_end != GOES_ON || lane == LAST_LANE[7:0] ? 8'd0 :
					lane + 8'd1;
		for (i = 0; i < LANES; i = i + 1) begin : each
			localparam [31:0] THIS = i;

			always @(posedge clk)
				if (small_valid && lane == THIS[7:0])
					out_data[8*SMALL_BYTES*i +: 8*SMALL_BYTES] <= small_data;
		end
	end
endgenerate

always @(posedge clk)
	if (!up)
		out_valid <= 0;
	else
		out_valid <= small_valid && (small_end != GOES_ON ||
					     bytes_now == LAST_BYTE[7:0]);

always @(posedge clk) begin
	out_end <= small_end;
	out_count <= bytes_now[COUNT_BITS-1:0];
end

endmodule

`default_nettype wire
